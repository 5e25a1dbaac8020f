package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

const (
	waitPoll = 100 * time.Millisecond
	// silentAfter is how long an instance may be silent and still be waited
	// for. After that it is taken to be gone.
	silentAfter = 60 * time.Second
)

// waitFor waits until every instance that lives acknowledges revision, which
// means that no exchange there can start by an older table any more.
func (c *cli) waitFor(ctx context.Context, api *client.Client, revision int64, atMost time.Duration) error {
	started := c.now()
	ctx, cancel := context.WithTimeoutCause(ctx, atMost, errWaited)
	defer cancel()
	tick := time.NewTicker(waitPoll)
	defer tick.Stop()
	var seen roll
	var trouble error // of the last look; router and store may come back
	for {
		now, err := c.callRoll(ctx, api, revision)
		switch {
		case err == nil && len(now.behind) == 0:
			c.tellRoll(now, c.now().Sub(started))
			return nil
		case err == nil:
			seen, trouble = now, nil
		case final(err):
			return fmt.Errorf("the change is made as revision %d, but who serves it is unknown: %w", revision, err)
		case ctx.Err() == nil:
			trouble = err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if !errors.Is(context.Cause(ctx), errWaited) {
				return ctx.Err()
			}
			return timedOut(seen, revision, atMost, trouble)
		}
	}
}

// errWaited ends a wait that has lasted long enough.
var errWaited = errors.New("waited long enough")

// roll is who serves a revision and who does not yet.
type roll struct {
	revision int64
	on       int
	behind   []wire.Instance // awaited
	gone     []wire.Instance // silent for too long to be awaited
}

// callRoll asks who serves revision. The router that answers is one of those
// awaited, even when it is too young to be on the list.
func (c *cli) callRoll(ctx context.Context, api *client.Client, revision int64) (roll, error) {
	router, err := ask[wire.Status](api.GetStatus(ctx))
	if err != nil {
		return roll{}, err
	}
	instances, err := ask[[]wire.Instance](api.ListInstances(ctx))
	if err != nil {
		return roll{}, err
	}
	r := roll{revision: revision}
	listed := false
	for _, i := range instances.value {
		listed = listed || i.Instance == router.value.Instance
		switch {
		case i.State == wire.InstanceStateSignedOff:
		case i.AgeS >= silentAfter.Seconds():
			r.gone = append(r.gone, i)
		case i.Revision < revision:
			r.behind = append(r.behind, i)
		default:
			r.on++
		}
	}
	if !listed {
		r.behind = append(r.behind, wire.Instance{Instance: router.value.Instance})
	}
	return r, nil
}

func (c *cli) tellRoll(r roll, took time.Duration) {
	for _, i := range r.gone {
		c.note.Linef("%s %s was last heard %s: not waited for",
			c.note.Paint(term.Notice, markWarn), i.Instance, term.Ago(seconds(i.AgeS)))
	}
	c.note.Linef("%s %d/%d instances on %d (%.1f s)",
		c.note.Paint(term.Good, markGood), r.on, r.on, r.revision, took.Seconds())
}

// timedOut names the instances that are not there yet, or says why that is unknown.
func timedOut(r roll, revision int64, after time.Duration, trouble error) error {
	f := &failure{code: exitTimedOut, hint: "stranglerctl instance ls shows when they catch up"}
	if trouble != nil {
		f.err = fmt.Errorf("after %s it is unknown who serves revision %d; the change is made and stays: %w", after, revision, trouble)
		return f
	}
	f.err = fmt.Errorf("after %s only %d/%d instances are on revision %d; the change is made and stays",
		after, r.on, r.on+len(r.behind), revision)
	for _, i := range r.behind {
		f.lines = append(f.lines, "waiting for "+i.Instance+": "+lastHeard(i))
	}
	return f
}

func lastHeard(i wire.Instance) string {
	if i.Revision == 0 {
		return "it acknowledges no revision yet"
	}
	return fmt.Sprintf("on revision %d, heard %s", i.Revision, term.Ago(seconds(i.AgeS)))
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
