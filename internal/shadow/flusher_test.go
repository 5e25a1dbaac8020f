package shadow_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stranglerfig/strangler/internal/shadow"
)

// sink is a store whose errors a test chooses.
type sink struct {
	errs   []error // of one call after the other; then none
	calls  []shadow.Batch
	folded int
}

func (s *sink) AddEvidence(_ context.Context, batch shadow.Batch) error {
	s.calls = append(s.calls, batch)
	if n := len(s.calls); n <= len(s.errs) {
		return s.errs[n-1]
	}
	return nil
}

func (s *sink) FoldEvidence(context.Context) error {
	s.folded++
	return errors.New("another does it")
}

// flushing runs a flusher until stop is called.
func flushing(t *testing.T, to *sink) (c *shadow.Collector, log *bytes.Buffer, stop func()) {
	t.Helper()
	c, log = collecting(), &bytes.Buffer{}
	flusher := &shadow.Flusher{Collector: c, Sink: to, Logger: slog.New(slog.NewTextHandler(log, nil))}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { flusher.Run(ctx); close(done) }()
	return c, log, func() { cancel(); <-done }
}

func TestEvidenceIsWrittenEveryFiveSecondsAndAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &sink{}
		c, log, stop := flushing(t, to)
		c.Add(comparison(1, mismatch()))
		time.Sleep(6 * time.Second)
		time.Sleep(5 * time.Second) // nothing was found: nothing is written
		c.Skips("orders").Add(shadow.ReasonRange)
		stop()
		if len(to.calls) != 2 {
			t.Fatalf("%d writes, want 2", len(to.calls))
		}
		equal(t, "first write", tallies(to.calls[0]), map[string]uint64{"match": 1})
		equal(t, "last write", tallies(to.calls[1]), map[string]uint64{"skipped:range": 1})
		if log.Len() > 0 {
			t.Errorf("logged: %s", log)
		}
	})
}

func TestEvidenceThatWasNotWrittenIsWrittenLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := errors.New("away")
		to := &sink{errs: []error{away, away, shadow.ErrUncertain}}
		c, log, stop := flushing(t, to)
		c.Add(comparison(1, mismatch(value("$.a"))))
		time.Sleep(6 * time.Second)
		c.Add(comparison(2, mismatch()))
		time.Sleep(10 * time.Second)
		stop()
		if len(to.calls) != 3 {
			t.Fatalf("%d writes, want 3: after the uncertain one nothing is left", len(to.calls))
		}
		if last := to.calls[2]; compared(tallies(last)) != 2 || len(last.Exemplars) != 1 || last.Epochs[0].Began != at(1) {
			t.Errorf("the last write is %+v, want both comparisons", last)
		}
		if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "away") {
			t.Errorf("%d warnings, want one that says why:\n%s", n, log)
		}
	})
}

func TestAStoreThatIsAwayForLongCostsBoundedMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := errors.New("away")
		to := &sink{}
		for range 720 {
			to.errs = append(to.errs, away)
		}
		c, _, stop := flushing(t, to)
		for i := range 720 {
			c.Add(comparison(i, mismatch(value("$.a"))))
			time.Sleep(5 * time.Second)
		}
		time.Sleep(6 * time.Second)
		stop()
		last := to.calls[len(to.calls)-1]
		if compared(tallies(last)) != 720 || len(last.Exemplars) > shadow.Newest+shadow.Random || len(last.Tallies) != 2 {
			t.Errorf("%v and %d exemplars, want 720 comparisons and at most 10", tallies(last), len(last.Exemplars))
		}
	})
}

func TestOldEvidenceIsFoldedEveryHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &sink{}
		_, log, stop := flushing(t, to)
		time.Sleep(150 * time.Minute)
		stop()
		if to.folded != 2 || strings.Count(log.String(), "level=INFO") != 2 {
			t.Errorf("folded %d times in two and a half hours, want 2:\n%s", to.folded, log)
		}
	})
}
