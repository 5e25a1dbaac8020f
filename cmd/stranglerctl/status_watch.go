package main

import "github.com/stranglerfig/strangler/internal/api/wire"

func (s *statusReader) with(c *cli) reader[shown] {
	return &statusReader{cli: c, api: s.api, route: s.route}
}

// tell appends a line for each change; for programs it prints everything again.
func (s *statusReader) tell(before, now shown) error {
	known := make(map[string]wire.RouteStatus, len(before.routes))
	for _, r := range before.routes {
		known[r.Name] = r
	}
	if s.global.forPeople() {
		s.tellRoutes(known, now.routes)
		return nil
	}
	for _, r := range now.routes {
		if old, was := known[r.Name]; !was || old.Revision != r.Revision || turned(old, r) {
			return s.print(now)
		}
	}
	if len(before.routes) != len(now.routes) {
		return s.print(now)
	}
	return nil
}

// tellRoutes appends a line for each route that is new, gone or changed, or of
// which the gates say something else.
func (s *statusReader) tellRoutes(before map[string]wire.RouteStatus, routes []wire.RouteStatus) {
	for _, r := range routes {
		old, was := before[r.Name]
		switch {
		case !was:
			s.out.Linef("%s  %s  added at %s  (revision %d, by %s)", s.clock(), r.Name, place(stateOf(r)), r.Revision, r.ChangedBy)
		case old.Revision != r.Revision && place(stateOf(old)) == place(stateOf(r)):
			s.out.Linef("%s  %s  %s, definition changed  (revision %d, by %s)", s.clock(), r.Name, place(stateOf(r)), r.Revision, r.ChangedBy)
		case old.Revision != r.Revision:
			s.out.Linef("%s  %s  %s → %s  (revision %d, by %s)", s.clock(), r.Name, place(stateOf(old)), place(stateOf(r)), r.Revision, r.ChangedBy)
		}
		if was && turned(old, r) {
			s.out.Linef("%s  %s  autopilot %s, gates: %s", s.clock(), r.Name, string(r.Autopilot), orDash(gatesCell(r).Text))
		}
		delete(before, r.Name)
	}
	for name := range before {
		s.out.Linef("%s  %s  removed", s.clock(), name)
	}
}
