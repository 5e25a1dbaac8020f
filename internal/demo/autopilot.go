package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

const (
	healthyFor = 3 * time.Second  // before the bug: what a breaker holds against the failures that follow
	arming     = 20 * time.Second // until every router has said that its breaker is closed
	takingBack = 20 * time.Second // until the autopilot has: evidence, the slot's end, one look
)

// refused looks whether a gate knows of the first bug.
func (s *script) refused(ctx context.Context) (found string, err error) {
	err = s.admin.move(ctx, routeOrder, "promote", "25%")
	var refused *refusal
	if !errors.As(err, &refused) || refused.Status != http.StatusConflict || refused.Code != "gate_failed" {
		return "", fmt.Errorf("promote was not refused by a gate, but answered: %w", err)
	}
	return refused.Detail, nil
}

// arm has new serve a quarter of the users again, and the autopilot look at it.
func (s *script) arm(ctx context.Context) (found string, err error) {
	if err := s.admin.force(ctx, routeOrder, "25%"); err != nil {
		return "", err
	}
	again, err := s.crowd.ask(ctx)
	if err != nil {
		return "", err
	}
	if !slices.Equal(again, s.at25) {
		return "", fmt.Errorf("other users than before: %s, then %s", share(again), share(s.at25))
	}
	if err := s.breakerPasses(ctx); err != nil {
		return "", err
	}
	if err := s.admin.switchAutopilot(ctx, routeOrder, "off"); err != nil {
		return "", err
	}
	return share(again) + ", the same as the first time", rest(ctx, healthyFor)
}

// breakerPasses waits until the gate that asks for the breaker passes: routers tell
// of theirs every few seconds, and the outage is not long ago.
func (s *script) breakerPasses(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, arming)
	defer cancel()
	for {
		verdict, err := s.admin.verdict(ctx, routeOrder, "breaker")
		if err != nil {
			return err
		}
		if verdict == "pass" {
			return nil
		}
		if err := rest(ctx, 200*time.Millisecond); err != nil {
			return errors.Join(fmt.Errorf("the gate breaker still says %q", verdict), err)
		}
	}
}

// takenBack has the next release of the new shop fail, and waits for the
// autopilot. What the visitors see of it is nothing: legacy serves what new cannot.
func (s *script) takenBack(ctx context.Context) (found string, err error) {
	before := s.traffic.Tally()
	s.place.Bug.Release()
	began := time.Now()
	last, err := s.awaitRollback(ctx)
	if err != nil {
		return "", err
	}
	took := time.Since(began)
	if last.Cause != "autopilot" || last.Reason == "" {
		return "", fmt.Errorf("it was rolled back by %s for the cause %q and the reason %q, want the autopilot's", last.Actor, last.Cause, last.Reason)
	}
	if err := s.admin.settle(ctx, last.Revision); err != nil {
		return "", err
	}
	after, err := s.left(ctx)
	if err != nil {
		return "", err
	}
	seen := s.traffic.Tally().Since(before)
	if seen.ClientErrors > 0 {
		return "", fmt.Errorf("client errors: %d of %d requests, the last: %s", seen.ClientErrors, seen.Requests, seen.LastError)
	}
	return fmt.Sprintf("after %.1f s, because of %s; %s; client errors: 0 of %d requests",
		took.Seconds(), last.Reason, share(after), seen.Requests), nil
}

// awaitRollback returns the newest event once it is a rollback.
func (s *script) awaitRollback(ctx context.Context) (event, error) {
	ctx, cancel := context.WithTimeout(ctx, takingBack)
	defer cancel()
	for {
		events, err := s.admin.history(ctx, routeOrder)
		if err != nil {
			return event{}, err
		}
		if len(events) > 0 && events[0].Verb == "rollback" {
			return events[0], nil
		}
		if err := rest(ctx, 100*time.Millisecond); err != nil {
			return event{}, errors.Join(fmt.Errorf("nobody has rolled it back within %s", takingBack), err)
		}
	}
}

// verdict is what one gate of a route says.
func (a *admin) verdict(ctx context.Context, route, gate string) (string, error) {
	var asked struct {
		Findings []struct{ Gate, Verdict string }
	}
	if err := a.call(ctx, http.MethodGet, "/api/v1/routes/"+route+"/gates", "", nil, &asked); err != nil {
		return "", err
	}
	for _, f := range asked.Findings {
		if f.Gate == gate {
			return f.Verdict, nil
		}
	}
	return "", fmt.Errorf("route %s has no gate %s: %v", route, gate, asked.Findings)
}

// rest waits, unless ctx ends first.
func rest(ctx context.Context, pause time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause):
		return nil
	}
}
