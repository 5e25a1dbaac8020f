package shadow

import (
	"context"
	"sync"
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// judge compares the two answers of a job, and has it reported.
func (j *Job) judge() {
	now := time.Now()
	if !j.lane.engine.survives(j.lane.settings.Route, func() { j.found = j.compare(now) }) {
		j.skip(ReasonInternal)
	}
	for _, compared := range [...]*asked{&j.primary, &j.reply, &j.twice} {
		compared.body.release() // asking again may take a while
	}
	switch {
	case j.found == nil:
		j.release()
	case j.asksAgain(now) && j.lane.crew.offer(j): // confirm reports
	default:
		j.report()
	}
}

// compare finds where the two answers differ; nil: nothing can be said, and that
// is counted.
func (j *Job) compare(now time.Time) *Comparison {
	options := j.lane.options(j.request.Method, now)
	legacy, fresh := ordered(j.served, &j.primary, &j.reply)
	original := legacy.answer()
	result := compare.Compare(original, fresh.answer(), options)
	if result.Outcome == compare.Skipped {
		j.skip(reasonNamed(result.Reason))
		return nil
	}
	found := &Comparison{
		Route: j.lane.settings.Route, Rules: j.lane.digest(now), Served: j.served, At: j.at, Request: j.request,
		Legacy: legacy.side(), New: fresh.side(), Result: result,
	}
	if j.noise && !j.twice.NotAsked && j.twice.Err == nil {
		if itself := compare.Compare(original, j.twice.answer(), options); itself.Outcome != compare.Skipped {
			found.Noise = &itself
		}
	}
	return found
}

// asksAgain reports whether both sides are to be asked once more.
func (j *Job) asksAgain(now time.Time) bool {
	return j.found.Result.Outcome == compare.Mismatch && Safe(j.request.Method) && j.lane.asksAgain(now)
}

// report hands on what was found.
func (j *Job) report() {
	defer j.release()
	if !j.lane.engine.survives(j.lane.settings.Route, func() { j.lane.engine.collector.Add(*j.found) }) {
		j.skip(ReasonInternal)
		return
	}
	j.lane.settings.Meter.Compared(outcome(j.found.Result.Outcome))
}

// confirm asks both sides once more, to tell a difference that stays from one
// that a race between the two answers made.
func (j *Job) confirm() {
	defer j.report()
	if !j.follow() || j.sides.side(j.served) == nil {
		return
	}
	ctx, cancel := context.WithTimeout(j.lane.engine.ctx, j.lane.settings.Policy.Timeout)
	defer cancel()
	var first asked
	var both sync.WaitGroup
	both.Go(func() { first = j.lane.ask(ctx, j.sides.side(j.served), j.served, &j.request) })
	second := j.lane.ask(ctx, j.asks, j.served.Other(), &j.request)
	both.Wait()
	defer first.body.release()
	defer second.body.release()
	if first.NotAsked || second.NotAsked {
		return
	}
	j.lane.engine.survives(j.lane.settings.Route, func() {
		legacy, fresh := ordered(j.served, &first, &second)
		result := compare.Compare(legacy.answer(), fresh.answer(), j.lane.options(j.request.Method, time.Now()))
		if result.Outcome != compare.Skipped {
			j.found.Second = &result
		}
	})
}

// ordered returns what the two sides answered, legacy's first.
func ordered(served routing.Side, primary, other *asked) (legacy, fresh *asked) {
	if served == routing.New {
		return other, primary
	}
	return primary, other
}

func outcome(o compare.Outcome) string {
	if o == compare.Match {
		return "match"
	}
	return "mismatch"
}

// reasonNamed is the reason for which a comparison was skipped.
func reasonNamed(name string) Reason {
	for _, reason := range [...]Reason{ReasonUndecodable, ReasonBomb} {
		if reason.String() == name {
			return reason
		}
	}
	return ReasonOverBudget
}
