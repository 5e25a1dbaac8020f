package proxy

import (
	"errors"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/stats"
)

// record tells the statistics what became of the exchange, on the lane where it
// ended.
func (f *flow) record(end time.Time) {
	class := f.outcome()
	s := stats.Sample{At: end, Class: uint8(class), Failed: class.BackendFault(), Stumbled: f.stumbled}
	if class == guard.ClientGone && f.res == nil {
		s.Waited = f.awaited(end.Sub(f.Start)) // a side that hangs is left by its clients before it times out
	}
	f.sample(s)
}

// recordFallback tells them what became of it on new, while legacy takes over. It
// failed there, whatever the answer was: a 404 may mean that new is not built yet.
func (f *flow) recordFallback() {
	class := f.outcome()
	if !class.BackendFault() {
		class = guard.Failure
	}
	f.sample(stats.Sample{At: f.now(), Class: uint8(class), Failed: true, Fallback: true})
}

// outcome is the class that counts. What the guard refuses has none of its own: no
// byte of it reached the backend, and the client has an error for an answer.
func (f *flow) outcome() guard.Class {
	if errors.Is(f.Err, guard.ErrFull) || errors.Is(f.Err, errCircuitOpen) {
		return guard.NotSent
	}
	return f.Class
}

// sample fills in what both have in common. Whose request it was is found out only
// where that counts.
func (f *flow) sample(s stats.Sample) {
	if f.lane.recorder == nil {
		return
	}
	if f.res != nil && f.Class != guard.Timeout { // its head came, and in time
		s.Took = f.awaited(f.FirstByte)
		f.heard()
	}
	if s.Drawn = f.Assignment.Drawn(); s.Drawn {
		s.Key = f.route.Identity(&f.request, &f.Assignment)
	}
	f.lane.recorder.Record(s, uint64(f.Assignment.Revision), f.RequestID)
}

// awaited is how long the lane was waited for by then: since the request came to it, and
// since the client's last bytes. Who sends slowly makes no side slow; 0 where he has not
// sent everything.
func (f *flow) awaited(until time.Duration) time.Duration {
	if f.body == nil {
		return until - f.entered
	}
	if !f.body.whole() {
		return 0
	}
	return max(0, until-max(f.entered, time.Duration(f.body.came.Load())))
}

// heard notes which build of the backend has answered, where it says so.
func (f *flow) heard() {
	if build := buildOf(f.res.Header, f.lane.backend.definition.BuildHeader); build != "" {
		f.lane.recorder.Heard(build)
	}
}
