package storetest

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/store"
)

// BenchmarkEvidence measures what a router does every few seconds and every hour,
// and what a person asks for.
func BenchmarkEvidence(b *testing.B, backend Backend) {
	s, err := store.Open(b.Context(), backend.URL(b), store.Options{Migrate: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	run := func(name string, work func(i int) error) {
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if err := work(i); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	flushes := 0
	run("flush", func(int) error {
		flushes++
		return s.AddEvidence(b.Context(), typical(flushes))
	})
	run("read all routes", func(int) error {
		_, err := s.Evidence(b.Context(), shadow.Query{})
		return err
	})
	run("read a route", func(int) error {
		_, err := s.Evidence(b.Context(), shadow.Query{Routes: []string{"route0"}})
		return err
	})
	run("fold", func(int) error { return s.FoldEvidence(b.Context()) })
}

// typical is a flush of ten routes: 200 tallies, 50 sightings, 20 exemplars of 2 KB.
func typical(flush int) shadow.Batch {
	var batch shadow.Batch
	at := recently()
	for r := range 10 {
		route := fmt.Sprint("route", r)
		batch.Epochs = append(batch.Epochs, epoch(route, "e1", at))
		for i := range 10 {
			batch.Tallies = append(batch.Tallies, shadow.Tally{Route: route, Epoch: "e1", Result: fmt.Sprint(shadow.PrefixRule, i), N: 1})
		}
		for i := range 5 {
			id := fmt.Sprint("s", (flush+i)%20)
			batch.Sightings = append(batch.Sightings, sighting(route, "e1", id, at))
			batch.Sets = append(batch.Sets, shadow.Set{Route: route, Epoch: "e1", ID: "x" + id, Members: []string{id}})
			for _, prefix := range []string{shadow.PrefixSignature, shadow.PrefixSet + "x"} {
				batch.Tallies = append(batch.Tallies, shadow.Tally{Route: route, Epoch: "e1", Result: prefix + id, N: 1})
			}
			if i < 2 {
				e := exemplar(route, "e1", fmt.Sprintf("%s-%d-%d", route, flush, i), at.Add(time.Duration(i)), id)
				e.Differences[0].Legacy.Text, e.Draw = strings.Repeat("x", 1400), uint32(flush*2654435761)
				batch.Exemplars = append(batch.Exemplars, e)
			}
		}
	}
	return batch
}
