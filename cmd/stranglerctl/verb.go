package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// verb is one of the commands that move a route: what they all share.
type verb struct {
	*cli
	changeOptions
	name     string
	followed bool // promote --follow: what comes next is said at its end
}

// verbParams are the parameters of every verb; the generated types differ by name only.
type verbParams = wire.PauseRouteParams

// sender gives one verb to the router.
type sender func(ctx context.Context, api *client.Client, route string, params verbParams) (*http.Response, error)

// command makes a verb's command, which takes one route, from its texts.
func (v *verb) command(cmd *cobra.Command, send sender) *cobra.Command {
	v.name = cmd.Name()
	v.register(cmd)
	v.registerIfRevision()
	v.registerYes(cmd)
	if cmd.Args == nil {
		cmd.Args = arguments("ROUTE")
	}
	cmd.ValidArgsFunction = v.completeRoute
	own := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if err := v.check(); err != nil || own == nil {
			return err
		}
		return own(cmd, args)
	}
	if cmd.RunE == nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error { return v.move(cmd.Context(), args[0], send) }
	}
	return cmd
}

// move gives the verb for one route and tells what became of it.
func (v *verb) move(ctx context.Context, route string, send sender) error {
	api, err := v.connect()
	if err != nil {
		return err
	}
	moved, err := ask[wire.Move](send(ctx, api, route, v.params()))
	if err != nil {
		return err
	}
	made := []wire.Move{moved.value}
	if err := v.showMoves(moved.raw, made); err != nil {
		return err
	}
	if err := v.follow(ctx, api, made); err != nil || !v.followed {
		return err
	}
	return v.watchGates(ctx, api, made)
}

func (v *verb) params() verbParams {
	return verbParams{DryRun: given(v.dryRun), IfMatch: etag(v.precondition())}
}

// showMoves prints what changed, one line for each route.
func (v *verb) showMoves(raw []byte, moves []wire.Move) error {
	view := view{raw: raw, people: func(bool) error {
		for _, m := range moves {
			v.out.Linef("%s  %s", v.out.Paint(term.Strong, m.Route), v.moveText(m))
			if writes := writesText(m); writes != "" {
				v.out.Linef("    %s", writes)
			}
		}
		return nil
	}}
	for _, m := range moves {
		view.names = append(view.names, m.Route)
	}
	return v.show(view)
}

// moveText says like "5% → 25%  (step 4 of 6, revision 412 → 413, by ana)".
func (v *verb) moveText(m wire.Move) string {
	if !m.Changed {
		return fmt.Sprintf("%s  (unchanged, revision %d)", place(m.After), m.Revision)
	}
	var facts []string
	if m.Step > 0 {
		facts = append(facts, fmt.Sprintf("step %d of %d", m.Step, m.Steps))
	}
	if m.DryRun {
		facts = append(facts, "dry run: nothing was changed")
	} else {
		facts = append(facts, fmt.Sprintf("revision %d → %d", m.PreviousRevision, m.Revision), "by "+m.Actor)
	}
	return fmt.Sprintf("%s → %s  (%s)", place(m.Before), place(m.After), strings.Join(facts, ", "))
}

// writesText says what a rollback leaves behind: what new may have written.
func writesText(m wire.Move) string {
	if m.UnsafeServedByNew == nil {
		return ""
	}
	text := "new has served " + counted(int(*m.UnsafeServedByNew), "request") + " that may have written something"
	if m.UnsafeSince != nil {
		text += ", since " + moment(m.UnsafeSince)
	}
	return text
}

// follow comes after a change: the notes, the waiting, and what to do next.
func (v *verb) follow(ctx context.Context, api *client.Client, made []wire.Move) error {
	v.tellNotes(made)
	if !v.dryRun && len(made) > 0 && v.wait > 0 {
		if err := v.waitFor(ctx, api, made[0].Revision, v.wait); err != nil {
			return err
		}
	}
	for _, m := range made {
		v.tellGates(m, len(made) > 1)
	}
	if v.dryRun {
		return nil
	}
	if len(made) == 1 && made[0].Changed && !v.followed {
		v.hintNext(nextCommand(made[0].Route, made[0].After), undoCommand(v.name, made[0]))
	}
	return nil
}

// forEachRoute is how to take a change of several routes back: one by one,
// since each may meanwhile have moved on.
func forEachRoute(verb string) string { return verb + " ROUTE, for each route above" }

// tellNotes prints what else there is to know about each move, and what stage
// shadow is for.
func (v *verb) tellNotes(made []wire.Move) {
	shadowed := ""
	for _, m := range made {
		if m.Note != "" {
			v.note.Linef("%s: %s", m.Route, m.Note)
		}
		if m.Changed && !m.DryRun && m.After.Stage == wire.StageShadow && m.Before.Stage != wire.StageShadow {
			shadowed = m.Route
		}
	}
	if shadowed != "" {
		v.note.Linef("in stage shadow legacy serves everything, and new is asked as well; see in what they differ: stranglerctl diff %s", term.ShellWord(shadowed))
	}
}

// hintNext prints the commands that go on and back.
func (c *cli) hintNext(next, undo string) {
	var parts []string
	if next != "" {
		parts = append(parts, "next: stranglerctl "+next)
	}
	if undo != "" {
		parts = append(parts, "undo: stranglerctl "+undo)
	}
	if len(parts) > 0 {
		c.note.Linef("%s", strings.Join(parts, "    "))
	}
}

// nextCommand is the command that takes a route further on its way.
func nextCommand(route string, s wire.State) string {
	route = term.ShellWord(route)
	switch {
	case s.Stage == wire.StageRetired:
		return ""
	case s.Hold.Kind != nil && *s.Hold.Kind == wire.HoldKindPaused:
		return "resume " + route
	case s.Stage == wire.StageNew:
		return "retire " + route
	}
	return "promote " + route
}

// undoCommand is the command that takes a move back. Once users are on new,
// it is the one to know by heart.
func undoCommand(verb string, m wire.Move) string {
	route := term.ShellWord(m.Route)
	switch {
	case m.After.Stage == wire.StageRetired:
		return ""
	case verb == "promote" && m.After.WeightBp > 0:
		return "rollback " + route
	}
	return "undo " + route
}
