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
	for {
		instances, err := ask[[]wire.Instance](api.ListInstances(ctx))
		if err == nil {
			seen = callRoll(instances.value, revision)
			if len(seen.behind) == 0 {
				c.tellRoll(seen, c.now().Sub(started))
				return nil
			}
		} else if context.Cause(ctx) == nil {
			return fmt.Errorf("the change is made as revision %d, but who serves it is unknown: %w", revision, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if context.Cause(ctx) != errWaited { //nolint:errorlint // the very value
				return ctx.Err()
			}
			return timedOut(seen, revision, atMost)
		}
	}
}

// roll is who serves a revision and who does not yet.
type roll struct {
	revision int64
	on       int
	behind   []wire.Instance // awaited
	gone     []wire.Instance // silent for too long to be awaited
}

func callRoll(instances []wire.Instance, revision int64) roll {
	r := roll{revision: revision}
	for _, i := range instances {
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
	return r
}

func (c *cli) tellRoll(r roll, took time.Duration) {
	for _, i := range r.gone {
		c.note.Linef("%s %s was last heard %s: not waited for",
			c.note.Paint(term.Notice, markWarn), i.Instance, term.Ago(seconds(i.AgeS)))
	}
	c.note.Linef("%s %d/%d instances on %d (%.1f s)",
		c.note.Paint(term.Good, markGood), r.on, r.on, r.revision, took.Seconds())
}

// timedOut names the instances that are not there yet.
func timedOut(r roll, revision int64, after time.Duration) error {
	f := &failure{
		code: exitTimedOut,
		err: fmt.Errorf("after %s only %d/%d instances are on revision %d; the change is made and stays",
			after, r.on, r.on+len(r.behind), revision),
		hint: "stranglerctl instance ls shows when they catch up",
	}
	for _, i := range r.behind {
		f.lines = append(f.lines, fmt.Sprintf("waiting for %s: on revision %d, heard %s", i.Instance, i.Revision, term.Ago(seconds(i.AgeS))))
	}
	return f
}

var errWaited = errors.New("waited long enough")

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
