package rollout

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/rollout/sequential"
)

// Gates says what speaks for letting new serve more, and what against it.
type Gates interface {
	// Findings returns what the gates of each selected route say now. Routes that
	// have no new side may be left out.
	Findings(ctx context.Context, sel Selection) (map[string][]gate.Finding, error)
}

// gatesFor bounds asking the gates: somebody waits, and may go on without them.
const gatesFor = 3 * time.Second

// asked returns the command with what the gates say, if that can matter, and
// why they could not be asked. A person may go on then; whoever acts by evidence
// brings his own.
func (c *Controller) asked(ctx context.Context, sel Selection, cmd Command) (_ Command, note string) {
	if c.Gates == nil || cmd.Findings != nil || !cmd.raises() {
		return cmd, ""
	}
	ctx, cancel := context.WithTimeout(ctx, gatesFor)
	defer cancel()
	findings, err := c.Gates.Findings(ctx, sel)
	if err != nil {
		return cmd, fmt.Sprintf("the gates could not be asked: %v", err)
	}
	cmd.Findings = findings
	return cmd, ""
}

// raises reports whether the command may let new serve more, or take legacy away.
func (c Command) raises() bool {
	return c.Verb == VerbPromote || c.Verb == VerbUndo || c.Verb == VerbRetire || c.ToRevision > 0
}

// mayPass refuses to let new serve more while a gate fails, unless that was
// forced. What the gates cannot say yet stops the autopilot and no person.
func mayPass(cmd Command, rec Record, target Target) error {
	if !target.Above(rec.State.Target()) {
		return nil
	}
	findings := cmd.Findings[rec.Route]
	verdict := gate.Verdict(findings)
	switch {
	case cmd.Cause == CauseAutopilot && verdict == sequential.Pass && len(findings) > 0:
		return nil
	case cmd.Cause == CauseAutopilot, verdict == sequential.Fail && !cmd.Force:
		return refuseAtGate(rec, target, findings)
	case verdict == sequential.Fail && cmd.Reason == "":
		return refuse(rec, CodeReasonRequired, run(rec, VerbPromote, " --to "+target.String()+" --force --reason WHY"),
			"can be promoted against its gates only with a reason, for the history")
	}
	return nil
}

// evidence is what an event keeps beside before and after.
type evidence struct {
	Accepted string         `json:"accepted,omitempty"`
	Forced   bool           `json:"forced,omitempty"`
	Findings []gate.Finding `json:"findings,omitempty"`
}

// evidence returns what is kept of why the route went to next.
func (c Command) evidence(rec Record, next State) (json.RawMessage, error) {
	if c.Evidence != nil {
		return c.Evidence, nil
	}
	var kept evidence
	if next.Target().Above(rec.State.Target()) {
		kept.Findings = c.Findings[rec.Route]
		kept.Forced = c.Force && gate.Verdict(kept.Findings) == sequential.Fail
	}
	if c.AcceptSplitWrites && rec.splits(next.Target()) {
		kept.Accepted = "split_writes"
	}
	if kept.Accepted == "" && len(kept.Findings) == 0 {
		return nil, nil
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return nil, fmt.Errorf("evidence of route %s: %w", rec.Route, err)
	}
	return text, nil
}

// refuseAtGate says which gates the route cannot pass.
func refuseAtGate(rec Record, target Target, findings []gate.Finding) *Refusal {
	var failed, waiting []string
	way := "wait"
	for _, f := range findings {
		switch f.Verdict {
		case sequential.Fail:
			if failed == nil {
				way = wayOn(rec, f.Gate)
			}
			failed = append(failed, f.Because())
		case sequential.Insufficient:
			waiting = append(waiting, string(f.Gate)+": "+f.Missing)
		}
	}
	if failed == nil {
		failed = waiting
	}
	here := rec.State
	here.Hold.Reason = "" // what kept it then is not what refuses now
	refusal := refuse(rec, CodeGate, way+", or "+run(rec, VerbPromote, " --to "+target.String()+" --force --reason WHY"),
		"stands at %s and cannot go to %s: its gates refuse it (%s)", where(here), target, strings.Join(failed, "; "))
	refusal.Findings = findings
	return refusal
}

// wayOn is what to do about a gate that fails, short of forcing it.
func wayOn(rec Record, failed gate.Name) string {
	switch failed {
	case gate.NameParity:
		return "look where they differ: stranglerctl diff " + rec.Route
	case gate.NameFreeze:
		return "when changes may go on: stranglerctl unfreeze"
	}
	return "wait"
}
