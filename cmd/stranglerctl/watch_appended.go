package main

import (
	"time"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// appended shows the first reading whole, and then a line for every change.
type appended struct {
	*statusReader
	known map[string]wire.RouteStatus
	away  bool
}

func (a *appended) draw(now shown) error {
	if a.away {
		a.away = false
		a.note.Linef("%s the router answers again", a.clock())
	}
	before := a.known
	a.known = make(map[string]wire.RouteStatus, len(now.routes))
	for _, r := range now.routes {
		a.known[r.Name] = r
	}
	if before == nil {
		return a.print(now)
	}
	if a.global.forPeople() {
		a.tell(before, now.routes)
		return nil
	}
	for _, r := range now.routes {
		if old, was := before[r.Name]; !was || old.Revision != r.Revision {
			return a.print(now)
		}
	}
	if len(before) != len(a.known) {
		return a.print(now)
	}
	return nil
}

// tell appends a line for each route that is new, gone or changed.
func (a *appended) tell(before map[string]wire.RouteStatus, routes []wire.RouteStatus) {
	for _, r := range routes {
		old, was := before[r.Name]
		switch {
		case !was:
			a.out.Linef("%s  %s  added at %s  (revision %d, by %s)", a.clock(), r.Name, place(stateOf(r)), r.Revision, r.ChangedBy)
		case old.Revision != r.Revision && place(stateOf(old)) == place(stateOf(r)):
			a.out.Linef("%s  %s  %s, definition changed  (revision %d, by %s)", a.clock(), r.Name, place(stateOf(r)), r.Revision, r.ChangedBy)
		case old.Revision != r.Revision:
			a.out.Linef("%s  %s  %s → %s  (revision %d, by %s)", a.clock(), r.Name, place(stateOf(old)), place(stateOf(r)), r.Revision, r.ChangedBy)
		}
		delete(before, r.Name)
	}
	for name := range before {
		a.out.Linef("%s  %s  removed", a.clock(), name)
	}
}

func (a *appended) lost(err error) {
	if !a.away {
		a.away = true
		a.note.Linef("%s %s %s", a.clock(), a.note.Paint(term.Bad, markBad), err)
	}
}

func (a *appended) close() {}

func (a *appended) clock() string { return a.now().Format(time.TimeOnly) }
