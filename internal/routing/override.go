package routing

// Override returns a, an assignment by this table, for a request whose bearer
// was put on side by an override. It is as good as given by hand: no key
// counts, and no weight. On a route that is rolled back or retired, and for a
// side without a backend, ok is false and the assignment stays as it is.
func (t *Table) Override(a Assignment, side Side) (overridden Assignment, ok bool) {
	backend := a.Route.Definition.Legacy
	if side == New {
		backend = a.Route.Definition.New
	}
	if backend == "" || a.Stage == StageRetired || t.Assigned(a.Route).RolledBack {
		return a, false
	}
	return Assignment{
		Route: a.Route, Revision: a.Revision, Side: side, Reason: ReasonOverride,
		Stage: a.Stage, Weight: a.Weight, Point: -1,
	}, true
}
