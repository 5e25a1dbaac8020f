package main

import (
	"errors"
	"fmt"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// ended reports whether following is over: at the first route that does not do
// well, or when all of them do.
func (f *following) ended(now followed) (bool, error) {
	ends := make([]string, 0, len(now.routes))
	for _, r := range now.routes {
		end, err := r.end()
		if err != nil {
			return true, err
		}
		if end != "" {
			ends = append(ends, r.now.Name+"  "+end)
		}
	}
	f.ends = ends
	return len(ends) == len(now.routes), nil
}

// tellEnd says how it ended well, and what comes next.
func (f *following) tellEnd() {
	if !f.global.forPeople() {
		return
	}
	for _, end := range f.ends {
		f.out.Linef("%s %s", f.out.Paint(term.Good, markGood), end)
	}
	if len(f.moves) == 1 {
		f.hintNext(nextCommand(f.moves[0].Route, f.moves[0].After), undoCommand("promote", f.moves[0]))
	}
}

// end says how following a route has ended, and nothing while it has not.
func (r followedRoute) end() (well string, err error) {
	here := stateOf(listed(r.now))
	switch {
	case r.now.Revision < r.move.Revision: // by a router that does not reach its store
		return "", nil
	case here.Hold.Kind != nil && *here.Hold.Kind == wire.HoldKindRolledBack:
		return "", r.takenBack("was rolled back by " + r.now.ChangedBy + ": " + here.Hold.Reason)
	case r.stays():
		return r.verdict()
	case here.Stage == wire.StageRetired || raises(r.move.After, here):
		return fmt.Sprintf("has gone on to %s  (revision %d, by %s)", place(here), r.now.Revision, r.now.ChangedBy), nil
	}
	return "", r.takenBack(fmt.Sprintf("was taken back to %s by %s", place(here), r.now.ChangedBy))
}

// stays reports whether the route still stands where it was promoted to.
func (r followedRoute) stays() bool {
	return r.now.Stage == r.move.After.Stage && r.now.WeightBp == r.move.After.WeightBp
}

func (r followedRoute) takenBack(how string) error {
	return &failure{
		code: exitRefused, err: errors.New("route " + r.now.Name + " " + how),
		hint: "stranglerctl history " + term.ShellWord(r.now.Name) + " shows why",
	}
}

// verdict is that of the gates that were not forced.
func (r followedRoute) verdict() (well string, err error) {
	if r.gates == nil {
		return "", nil
	}
	forced, waits, besides := make(map[wire.GateName]bool), false, ""
	for _, f := range r.move.Findings {
		forced[f.Gate] = f.Verdict == wire.GateVerdictFail
	}
	well = "every gate passes at " + place(gatesState(*r.gates))
	for _, f := range r.gates.Findings {
		switch {
		case f.Verdict == wire.GateVerdictPass:
		case forced[f.Gate]:
			besides = ", but for those that were forced"
		case f.Verdict == wire.GateVerdictFail:
			return "", r.failed(f)
		default:
			waits = true
		}
	}
	if waits {
		return "", nil
	}
	return well + besides, nil
}

func (r followedRoute) failed(f wire.GateFinding) error {
	name := term.ShellWord(r.now.Name)
	hint := "stranglerctl rollback " + name + " takes it back; stranglerctl gate ls " + name + " shows every gate"
	if f.RollsBack && r.gates.Autopilot != wire.AutopilotModeDisarmed {
		hint = "the autopilot takes it back by itself; stranglerctl status " + name + " shows whether it has"
	}
	return &failure{
		code: exitRefused, hint: hint,
		err: fmt.Errorf("route %s stands at %s, and a gate fails: %s: %s", r.now.Name, place(gatesState(*r.gates)), f.Gate, f.Text),
	}
}
