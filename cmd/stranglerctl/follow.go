package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// following watches routes after a promotion, until their gates have decided.
type following struct {
	*cli
	api   *client.Client
	moves []wire.Move // what was promoted

	ends []string // how each route ended, where all is well
}

// followed is one reading.
type followed struct {
	routes []followedRoute
	raw    json.RawMessage // what the gates say, as an array
}

// followedRoute is one route in a reading.
type followedRoute struct {
	move  wire.Move
	now   wire.RouteDetail
	gates *wire.RouteGates // nil: they cannot be asked of this step
}

func (f *following) with(c *cli) reader[followed] {
	return &following{cli: c, api: f.api, moves: f.moves}
}

func (f *following) read(ctx context.Context) (followed, error) {
	router, err := ask[wire.Status](f.api.GetStatus(ctx))
	if err != nil {
		return followed{}, err
	}
	raws := make([]json.RawMessage, 0, len(f.moves)) // an array, never null
	now := followed{routes: make([]followedRoute, len(f.moves))}
	for i, move := range f.moves {
		detail, err := ask[wire.RouteDetail](f.api.GetRoute(ctx, move.Route))
		if err != nil {
			return followed{}, err
		}
		f.warnStale(detail.header)
		now.routes[i] = followedRoute{move: move, now: detail.value}
		if router.value.Revision < move.Revision || !now.routes[i].stays() {
			continue // what the gates say is of another step
		}
		gates, err := ask[wire.RouteGates](f.api.GetGates(ctx, move.Route))
		if err != nil {
			return followed{}, err
		}
		now.routes[i].gates, raws = &gates.value, append(raws, gates.raw)
	}
	now.raw, err = json.Marshal(raws)
	return now, err
}

// print shows the gates of one route, or a line for each of several.
func (f *following) print(now followed) error {
	view := view{raw: now.raw, people: func(wide bool) error { return f.printPeople(now, wide) }}
	for _, r := range now.routes {
		view.names = append(view.names, r.now.Name)
	}
	return f.show(view)
}

func (f *following) printPeople(now followed, wide bool) error {
	undo := forEachRoute("rollback")
	if len(now.routes) == 1 {
		undo = "rollback " + term.ShellWord(now.routes[0].now.Name)
	}
	var asked []wire.RouteGates
	for _, r := range now.routes {
		if r.gates == nil {
			f.out.Linef("%s  %s  its gates are being asked", f.out.Paint(term.Strong, r.now.Name), place(stateOf(listed(r.now))))
			continue
		}
		asked = append(asked, *r.gates)
	}
	var err error
	switch {
	case len(now.routes) == 1 && len(asked) == 1:
		err = f.printGates(asked[0], wide)
	case len(asked) > 0:
		err = f.printAllGates(asked)
	}
	f.hintNext("", undo)
	return err
}

// tell appends a line for each gate that says something else than before; for
// programs it prints everything again.
func (f *following) tell(before, now followed) error {
	changed := false
	for i, r := range now.routes {
		for _, finding := range r.news(before.routes[i]) {
			changed = true
			if f.global.forPeople() {
				mark, colour := verdictLook(finding.Verdict)
				f.out.Linef("%s  %s  %s %s: %s", f.clock(), r.now.Name, f.out.Paint(colour, mark), string(finding.Gate), reasonOf(finding))
			}
		}
		if was, is := place(stateOf(listed(before.routes[i].now))), place(stateOf(listed(r.now))); was != is && f.global.forPeople() {
			f.out.Linef("%s  %s  %s → %s  (revision %d, by %s)", f.clock(), r.now.Name, was, is, r.now.Revision, r.now.ChangedBy)
		}
	}
	if changed && !f.global.forPeople() {
		return f.print(now)
	}
	return nil
}

// news are the gates that have another verdict than before.
func (r followedRoute) news(before followedRoute) []wire.GateFinding {
	if r.gates == nil {
		return nil
	}
	verdicts := make(map[wire.GateName]wire.GateVerdict)
	if before.gates != nil {
		for _, f := range before.gates.Findings {
			verdicts[f.Gate] = f.Verdict
		}
	}
	var news []wire.GateFinding
	for _, f := range r.gates.Findings {
		if verdicts[f.Gate] != f.Verdict {
			news = append(news, f)
		}
	}
	return news
}

// watchGates watches what was promoted until every gate passes, one fails, or
// somebody else moves a route.
func (c *cli) watchGates(ctx context.Context, api *client.Client, moves []wire.Move) error {
	if len(moves) == 0 {
		return nil
	}
	f := &following{cli: c, api: api, moves: moves}
	err := watchUntil(ctx, c, f, f.ended)
	switch {
	case err == nil:
		f.tellEnd()
		return nil
	case ctx.Err() != nil:
		return &failure{code: exitInterrupted, err: err, interrupted: fmt.Sprintf("what was promoted stays as revision %d: stranglerctl gate ls goes on", moves[0].Revision)}
	}
	return err
}
