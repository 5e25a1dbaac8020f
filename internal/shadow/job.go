package shadow

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
)

// Job is one shadowed request. The goroutine that serves the client owns its
// primary half, a worker of the lane the other; whoever ends second has the two
// compared. The exported methods are for the primary's goroutine; they never
// wait, and may be called on a nil Job.
type Job struct {
	lane   *Lane
	sides  *Sides
	served routing.Side
	at     time.Time
	noise  bool // legacy is asked twice

	request Request
	upload  Copy  // the request's body
	held    int64 // of the budget, for the request's head
	primary asked
	timer   *time.Timer // ends the head start; nil: the request was not offered
	done    bool        // the primary's half has ended; its goroutine owns it

	asks         Asker // whoever is asked in place of the side that served
	reply, twice asked
	found        *Comparison // a mismatch that is asked once more; nil: not yet

	halves atomic.Int32 // that have not ended
	over   atomic.Bool  // it is not compared any more, and that is counted
}

// headRoom is reckoned for a copied head besides its texts.
const headRoom = 1 << 10

// newJob returns a job whose primary half has begun.
func (l *Lane) newJob(head *Head, sides *Sides, now time.Time) *Job {
	limit := l.settings.Policy.MaxBody
	j := &Job{lane: l, sides: sides, served: head.Served, at: now, upload: newCopy(l.engine.budget, limit)}
	j.primary.body = newCopy(l.engine.budget, limit)
	j.noise = sides.Legacy != nil && Safe(head.Method) && rand.IntN(int(routing.FullWeight)) < int(l.settings.Policy.Noise)
	j.halves.Store(1)
	l.engine.open.Add(1)
	return j
}

// Upload is where the request's body is kept as it passes by; nil for a nil Job.
func (j *Job) Upload() *Copy {
	if j == nil {
		return nil
	}
	return &j.upload
}

// Offer hands the request to the lane, now that the primary has been sent its
// own. The values, but for Body, which is what Upload has, are the job's from
// then on. Only the first Offer counts: a retry is no other request.
func (j *Job) Offer(request Request) {
	if j == nil || j.done || j.over.Load() || j.Offered() {
		return
	}
	j.request = request
	if reason, failed := j.upload.Failed(); failed {
		j.skip(reason)
		return
	}
	j.request.Body = j.upload.bytes
	held := request.size()
	if !j.lane.engine.budget.take(held) {
		j.skip(ReasonMemory)
		return
	}
	j.held = held
	j.halves.Add(1)
	j.timer = time.AfterFunc(headStart, j.start)
}

// headStart is how long the served request has the processors and the backends
// to itself. Most are answered by then, and their copies take nothing from them:
// without it the 99th percentile of small requests grew by a fifth to a half. A
// backend that takes longer is asked beside the other one, and what both show
// may change meanwhile by so much.
const headStart = 10 * time.Millisecond

// start gives the request to a worker.
func (j *Job) start() {
	switch {
	case j.over.Load():
	case j.lane.crew.offer(j):
		return // run ends the half
	case j.lane.engine.ctx.Err() != nil:
		j.skip(ReasonStopped)
	default:
		j.skip(ReasonDropped)
	}
	j.end()
}

// Offered reports whether the request was handed over, or needs not be any more.
func (j *Job) Offered() bool { return j == nil || j.request.Method != "" }

// Answered keeps the primary's head, as its client gets it; the fields must not
// be changed any more. A length of the body that is not known is negative.
func (j *Job) Answered(status int, header map[string][]string, length int64) {
	if j == nil || j.over.Load() {
		return
	}
	j.primary.Status, j.primary.Header = status, header
	j.primary.body.reserve(headSize(header))
	if j.request.Method != "HEAD" {
		j.primary.body.Expect(length)
	}
	j.check()
}

// Write keeps a part of the primary's body.
func (j *Job) Write(p []byte) {
	switch {
	case j == nil:
	case j.over.Load():
		j.primary.body.release()
	default:
		_, _ = j.primary.body.Write(p)
		j.check()
	}
}

// check gives the job up with its copy of the primary's body.
func (j *Job) check() {
	if reason, failed := j.primary.body.Failed(); failed {
		j.skip(reason)
	}
}

// Served ends the primary's half: its client has the whole answer of a backend,
// which says that it is of this build.
func (j *Job) Served(build string, now time.Time) {
	if j == nil || j.done {
		return
	}
	j.primary.Build, j.primary.took = build, now.Sub(j.at)
	if !j.Offered() {
		j.skip(ReasonPrimary)
	}
	j.endPrimary()
}

// GiveUp keeps the request from being compared. The primary's half goes on.
func (j *Job) GiveUp(reason Reason) {
	if j != nil && !j.done {
		j.skip(reason)
	}
}

// Abandon ends the primary's half without an answer that can be compared.
func (j *Job) Abandon(reason Reason) {
	if j == nil || j.done {
		return
	}
	j.skip(reason)
	j.endPrimary()
}

func (j *Job) endPrimary() {
	j.done = true
	if j.timer != nil && j.timer.Stop() {
		j.start()
	}
	j.end()
}

// skip counts the job as not compared, once.
func (j *Job) skip(reason Reason) {
	if j.over.CompareAndSwap(false, true) {
		j.lane.Skip(reason)
	}
}

// end ends one half. The second one leads to the comparison.
func (j *Job) end() {
	if j.halves.Add(-1) > 0 {
		return
	}
	if !j.over.Load() {
		if j.lane.engine.judges.offer(j) {
			return // judge ends it
		}
		j.skip(ReasonDropped)
	}
	j.release()
}

// release gives all room back. It ends the job.
func (j *Job) release() {
	for _, body := range [...]*Copy{&j.upload, &j.primary.body, &j.reply.body, &j.twice.body} {
		body.release()
	}
	j.lane.engine.budget.give(j.held)
	j.held = 0
	j.lane.engine.closed()
}

// run is a worker's part.
func (j *Job) run() {
	if j.found != nil {
		j.confirm()
		return
	}
	defer j.end()
	if j.over.Load() {
		return
	}
	if !j.follow() {
		j.skip(ReasonStopped)
		return
	}
	ctx, cancel := context.WithTimeout(j.lane.engine.ctx, j.lane.settings.Policy.Timeout)
	defer cancel()
	var twice sync.WaitGroup
	if j.noise {
		twice.Go(func() { j.twice = j.lane.ask(ctx, j.sides.Legacy, routing.Legacy, &j.request) })
	}
	j.reply = j.lane.ask(ctx, j.asks, j.served.Other(), &j.request)
	twice.Wait()
	if j.reply.NotAsked {
		j.skip(j.reply.Reason)
	}
}

// follow goes over to the table in service, which may be newer than the one that
// the request came by: whoever is no side of the route any more is not asked.
// False: by that table nobody is.
func (j *Job) follow() bool {
	now := j.lane.engine.inService(j.lane.settings.Route)
	if now.Lane == nil || now.Off || !now.Lane.settings.Policy.copies(j.request.Method, j.served) {
		return false
	}
	j.sides = &now.Sides[j.served]
	j.noise = j.noise && j.sides.Legacy != nil
	j.asks = now.Lane.other(j.sides, j.served, j.request.Method)
	return j.asks != nil
}

// stopped ends a job for which there is no time any more.
func (j *Job) stopped() {
	if j.found != nil {
		j.report()
		return
	}
	j.skip(ReasonStopped)
	j.end()
}

// size is what a request's head is reckoned at, in bytes.
func (r *Request) size() int64 { return int64(len(r.Host)+len(r.Target)) + headSize(r.Header) }

// headSize is what fields are reckoned at, in bytes.
func headSize(header map[string][]string) int64 {
	size := headRoom
	for name, values := range header {
		size += len(name)
		for _, value := range values {
			size += len(value)
		}
	}
	return int64(size)
}
