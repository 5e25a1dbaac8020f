package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/spec"
	"github.com/stranglerfig/strangler/internal/store"
)

func testDossiers(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"come back as they were written": dossiersKept,
		"go with their route":            dossiersGone,
		"are refused as a whole":         dossiersRefused,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

// keep writes dossiers by a lease of its own.
func (f *fixture) keep(dossiers ...autopilot.Dossier) {
	f.t.Helper()
	if err := f.KeepDossiers(f.t.Context(), taken(f.t, f.Store, "a").Fence, dossiers); err != nil {
		f.t.Fatalf("keep dossiers: %v", err)
	}
}

// kept is the dossiers without their time.
func (f *fixture) kept(routes []string) map[string]autopilot.Dossier {
	f.t.Helper()
	dossiers, err := f.Dossiers(f.t.Context(), routes)
	if err != nil {
		f.t.Fatalf("dossiers: %v", err)
	}
	for route, d := range dossiers {
		if d.At.IsZero() {
			f.t.Errorf("the dossier of %s has no time", route)
		}
		d.At = time.Time{}
		dossiers[route] = d
	}
	return dossiers
}

func dossier(route, state string) autopilot.Dossier {
	return autopilot.Dossier{Route: route, SlowOver: 123456789, State: json.RawMessage(state)}
}

func dossiersKept(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.keep()
	equal(t, "none", f.kept(nil), map[string]autopilot.Dossier{})
	cart, orders := dossier("cart", `{"n":9007199254740993,"t":"a\u0000b"}`), autopilot.Dossier{Route: "orders-get"}
	before := taken(t, f.Store, "a").Read
	f.keep(cart, orders)
	equal(t, "all", f.kept(nil), map[string]autopilot.Dossier{"cart": cart, "orders-get": orders})
	equal(t, "one, and others that are not there", f.kept([]string{"cart", "rest", "nobody", "a\x00b"}), map[string]autopilot.Dossier{"cart": cart})
	equal(t, "of no routes", f.kept([]string{}), map[string]autopilot.Dossier{})
	found, err := f.Dossiers(t.Context(), []string{"cart"})
	if after := taken(t, f.Store, "a").Read; err != nil || found["cart"].At.Before(before) || found["cart"].At.After(after) {
		t.Errorf("written at %s, %v; want a time between %s and %s", found["cart"].At, err, before, after)
	}
	f.keep(dossier("cart", `[]`))
	equal(t, "one that was replaced", f.kept(nil), map[string]autopilot.Dossier{"cart": dossier("cart", `[]`), "orders-get": orders})
	if f.load(nil).Revision != 1 {
		t.Error("dossiers made a revision")
	}
}

func dossiersGone(t *testing.T, backend Backend) {
	f := applied(t, backend)
	cart, orders := dossier("cart", `1`), dossier("orders-get", `2`)
	f.keep(cart, orders, dossier("nobody", `3`))
	equal(t, "what is defined", f.kept(nil), map[string]autopilot.Dossier{"cart": cart, "orders-get": orders})
	changed := shop()
	changed.Routes[0].Priority = 7
	f.apply(changed)
	equal(t, "after a change of the definition", f.kept([]string{"cart"}), map[string]autopilot.Dossier{"cart": cart})
	without := shop()
	without.Routes = without.Routes[1:]
	f.apply(without)
	f.keep(dossier("cart", `4`))
	equal(t, "after its removal", f.kept(nil), map[string]autopilot.Dossier{"orders-get": orders})
	// An older router removes a route and leaves its dossier.
	f.mustBehind(`INSERT INTO dossiers (route, slow_over_ns, at) SELECT 'cart', 1, at FROM dossiers`)
	f.apply(shop())
	equal(t, "of a route that is defined anew", f.kept([]string{"cart"}), map[string]autopilot.Dossier{})
}

func dossiersRefused(t *testing.T, backend Backend) {
	f := applied(t, backend)
	fence := taken(t, f.Store, "a").Fence
	for what, bad := range map[string]autopilot.Dossier{
		"no JSON":        dossier("cart", `{`),
		"not UTF-8":      dossier("cart", "\"\xff\""),
		"time backwards": {Route: "cart", SlowOver: -1},
	} {
		err := f.KeepDossiers(t.Context(), fence, []autopilot.Dossier{dossier("orders-get", `1`), bad})
		if err == nil || errors.Is(err, rollout.ErrUnavailable) {
			t.Errorf("%s was answered with %v", what, err)
		}
	}
	equal(t, "what was kept", f.kept(nil), map[string]autopilot.Dossier{})
}

// BenchmarkDossiers measures what the autopilot writes every few seconds for a
// fleet of 1,000 routes: 2 KB each.
func BenchmarkDossiers(b *testing.B, backend Backend) {
	s, err := store.Open(b.Context(), backend.URL(b), store.Options{Migrate: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	var (
		defs     spec.Definitions
		dossiers []autopilot.Dossier
	)
	for i := range 1000 {
		name := fmt.Sprint("route", i)
		defs.Routes = append(defs.Routes, spec.Route{Name: name, Match: spec.Match{Path: "/" + name}, Legacy: "a", New: "b"})
		dossiers = append(dossiers, dossier(name, `{"text":"`+strings.Repeat("x7Fq", 500)+`"}`))
	}
	if _, err := s.Edit(b.Context(), spec.Edit{Verb: rollout.VerbSeed, Actor: "ana"}, to(defs)); err != nil {
		b.Fatal(err)
	}
	lease, err := s.Lease(b.Context(), "a", time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("keep", func(b *testing.B) {
		for b.Loop() {
			if err := s.KeepDossiers(b.Context(), lease.Fence, dossiers); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if found, err := s.Dossiers(b.Context(), nil); err != nil || len(found) != len(dossiers) {
				b.Fatal(len(found), err)
			}
		}
	})
}
