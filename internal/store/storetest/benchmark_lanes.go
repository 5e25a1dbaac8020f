package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/spec"
	"github.com/stranglerfig/strangler/internal/stats"
	"github.com/stranglerfig/strangler/internal/store"
)

// BenchmarkWindows measures what routers and an autopilot do with a thousand
// routes, all in canary, of which all have been served for a week.
func BenchmarkWindows(b *testing.B, backend Backend) {
	const routes, routers = 1000, 3
	url := backend.URL(b)
	s, err := store.Open(b.Context(), url, store.Options{Migrate: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	names := exposeMany(b, s, routes)
	fillSpans(b, backend, url, routes)
	for _, statement := range []string{"VACUUM", "ANALYZE"} { // as the database does by itself
		if _, err := backend.DB(b, url).ExecContext(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	write := func() error {
		from := time.Now().UTC().Truncate(stats.SlotLength)
		for router := range routers {
			if err := s.AddWindows(b.Context(), fmt.Sprint("router", router), busySlot(random, names, from)); err != nil {
				return err
			}
		}
		return nil
	}
	timed(b, "write a slot of 3 routers", write)
	if _, err := backend.DB(b, url).ExecContext(b.Context(), "DELETE FROM lane_windows"); err != nil {
		b.Fatal(err)
	}
	last := int64(0)
	for range 3 {
		if err := write(); err != nil {
			b.Fatal(err)
		}
	}
	before, _, err := s.Windows(b.Context(), stats.WindowQuery{})
	if err != nil {
		b.Fatal(err)
	}
	for _, w := range before {
		last = max(last, w.ID)
	}
	if err := write(); err != nil {
		b.Fatal(err)
	}
	benchmarkReads(b, s, names, last)
	benchmarkLook(b, s, write)
	benchmarkFold(b, backend.DB(b, url), s, write)
}

// benchmarkReads measures what is read, of windows up to one that is met already.
func benchmarkReads(b *testing.B, s stats.WindowReader, names []string, last int64) {
	timed(b, "read a slot of 3 routers, and pass over three", func() error {
		_, _, err := s.Windows(b.Context(), stats.WindowQuery{Exposed: true, Met: func(id int64) bool { return id <= last }})
		return err
	})
	timed(b, "totals of all routes over 7 days", func() error {
		_, err := s.Totals(b.Context(), names, time.Now().Add(-7*24*time.Hour))
		return err
	})
	timed(b, "totals of 50 routes over 7 days", func() error {
		_, err := s.Totals(b.Context(), names[:50], time.Now().Add(-7*24*time.Hour))
		return err
	})
	timed(b, "a route's spans of a day", func() error {
		_, err := s.Spans(b.Context(), names[:1], time.Now().Add(-24*time.Hour))
		return err
	})
	timed(b, "latencies of 50 routes of a day", func() error {
		_, err := s.Latencies(b.Context(), names[:50], time.Now().Add(-24*time.Hour))
		return err
	})
}

// timed measures some work under a name.
func timed(b *testing.B, name string, work func() error) {
	b.Run(name, func(b *testing.B) {
		for b.Loop() {
			if err := work(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// benchmarkFold measures what whoever acts does every minute.
func benchmarkFold(b *testing.B, db *sql.DB, folder stats.WindowReader, write func() error) {
	b.Run("fold a minute", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			if _, err := db.ExecContext(b.Context(), "DELETE FROM lane_windows"); err != nil {
				b.Fatal(err)
			}
			for range 12 {
				if err := write(); err != nil {
					b.Fatal(err)
				}
			}
			for _, statement := range []string{"UPDATE lane_windows SET minute = minute - 5", "UPDATE lane_folding SET minute = 0"} {
				if _, err := db.ExecContext(b.Context(), statement); err != nil {
					b.Fatal(err)
				}
			}
			b.StartTimer()
			if err := folder.FoldWindows(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// exposeMany applies that many routes, and brings them to canary.
func exposeMany(b *testing.B, s store.Store, many int) []string {
	b.Helper()
	defs, names := shop(), make([]string, many)
	defs.Routes = nil
	for i := range names {
		names[i] = fmt.Sprintf("route-%04d", i)
		defs.Routes = append(defs.Routes, spec.Route{Name: names[i], Match: spec.Match{Path: "/" + names[i]}, Legacy: "monolith", New: "orders"})
	}
	if _, err := s.Edit(b.Context(), spec.Edit{Verb: rollout.VerbApply, Actor: "ana"}, to(defs)); err != nil {
		b.Fatal(err)
	}
	if _, err := s.Change(b.Context(), rollout.Selection{All: true}, moveTo(at(500))); err != nil {
		b.Fatal(err)
	}
	return names
}

// fillSpans makes six days and 18 hours of hours and six hours of minutes.
func fillSpans(b *testing.B, backend Backend, url string, routes int) {
	b.Helper()
	r, random := stats.NewRecorder(time.Now()), rand.New(rand.NewPCG(3, 4))
	for i := range 2000 {
		r.Record(stats.Sample{Key: uint64(i), Drawn: true, At: time.Now(), Took: time.Duration(1+random.ExpFloat64()*30) * time.Millisecond})
	}
	w := r.Drain(time.Now())
	w.Settle()
	seen, err := w.MarshalBinary()
	if err != nil {
		b.Fatal(err)
	}
	hour := time.Now().Unix() / 3600
	for _, part := range []struct {
		minutes      int64
		first, count int64
	}{{60, (hour - 168) * 60, 162}, {1, (hour - 6) * 60, 360}} {
		statement := fmt.Sprintf(`WITH RECURSIVE r (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < %d),
				t (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM t WHERE n < %d),
				sides (side) AS (VALUES ('legacy'), ('new'))
			INSERT INTO lane_spans (route, side, minutes, began, requests, exposed, failed, slowed, seen)
			SELECT 'route-' || substr('0000' || CAST(r.n AS text), length(CAST(r.n AS text)) + 1, 4), side, %d, %d + t.n * %d, 2000, 2000, 3, 100, $1
			FROM t, r, sides`, routes-1, part.count-1, part.minutes, part.first, part.minutes)
		if _, err := backend.DB(b, url).ExecContext(b.Context(), statement, seen); err != nil {
			b.Fatal(err)
		}
	}
}

// busySlot is what one router sees in five seconds: five requests a second on each
// side of each route, of as many visitors.
func busySlot(random *rand.Rand, names []string, from time.Time) []stats.LaneWindow {
	var windows []stats.LaneWindow
	for _, route := range names {
		for _, side := range []string{"legacy", "new"} {
			r := stats.NewRecorder(from)
			for range 25 {
				r.Record(stats.Sample{Key: random.Uint64(), Drawn: true, At: from, Took: time.Duration(1+random.ExpFloat64()*30) * time.Millisecond})
			}
			windows = append(windows, stats.LaneWindow{Route: route, Side: side, Step: 2, Window: r.Drain(from.Add(stats.SlotLength))})
		}
	}
	return windows
}

// benchmarkLook measures an autopilot's look at all of it: the windows of one slot, what
// legacy did of those routes of which it is due, the verdicts, and what is kept.
func benchmarkLook(b *testing.B, s store.Store, write func() error) {
	snapshot, err := s.Load(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	fleet := snapshot.Autopilot()
	for i := range fleet.Routes {
		fleet.Routes[i].Mode = autopilot.On
	}
	pilot := autopilot.New(autopilot.Config{
		Instance: "a", Store: s, Mover: &rollout.Controller{Ledger: s, History: s}, Moved: func() {}, Logger: slog.New(slog.DiscardHandler),
		Sources: autopilot.Sources{
			Fleet:    func() autopilot.Fleet { return fleet },
			Parity:   func(context.Context, []string) (map[string]gate.Compared, error) { return nil, nil },
			Breakers: func(context.Context) (map[string][]gate.Breaker, error) { return nil, nil },
		},
	})
	look := func() {
		if err := pilot.Look(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	look() // it takes over
	b.Run("an autopilot's look", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			if err := write(); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			look()
		}
	})
}
