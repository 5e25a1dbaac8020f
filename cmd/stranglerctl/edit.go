package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// edit is what the commands that change definitions share.
type edit struct {
	*cli
	changeOptions
}

// registerEdit adds the options of changing one object.
func (e *edit) registerEdit(cmd *cobra.Command) {
	e.flags = cmd.Flags()
	e.registerReason()
	e.registerWait()
	e.registerIfRevision()
	e.registerYes(cmd)
	cmd.PreRunE = func(*cobra.Command, []string) error { return e.check() }
}

// finish prints what an edit changed, waits if told to, and says what comes next.
func (e *edit) finish(ctx context.Context, api *client.Client, done answer[wire.Edit]) error {
	if err := e.showEdit(done); err != nil || done.value.DryRun {
		return err
	}
	if e.wait > 0 {
		if err := e.waitFor(ctx, api, done.value.Revision, e.wait); err != nil {
			return err
		}
	}
	if added := addedRoutes(done.value.Changes); len(added) > 0 {
		e.note.Linef("new routes start in stage legacy: nothing moves until they are promoted")
		e.hintNext(firstPromotion(ctx, api, added[0]), "")
	}
	return nil
}

// addedRoute is a new route that has somewhere to be promoted to.
type addedRoute struct {
	name     string
	separate bool // each side keeps its own data
}

// firstPromotion is the command that takes a new route its first step. Where
// data is separate, what has to be accepted for that is for the router to know.
func firstPromotion(ctx context.Context, api *client.Client, route addedRoute) string {
	command := "promote " + term.ShellWord(route.name)
	if !route.separate {
		return command
	}
	_, err := ask[wire.Move](api.PromoteRoute(ctx, route.name, &wire.PromoteRouteParams{DryRun: new(true)}, wire.PromoteRequest{}))
	if refused, is := errors.AsType[*failure](err); is && refused.code == exitRefused {
		return command + " --accept-split-writes"
	}
	return command
}

func addedRoutes(changes []wire.Change) []addedRoute {
	var added []addedRoute
	for _, change := range changes {
		if change.Kind != wire.ChangeKindRoute || change.Op != wire.ChangeOpAdded {
			continue
		}
		var definition struct{ New, Data string }
		if json.Unmarshal(change.After, &definition) == nil && definition.New != "" {
			added = append(added, addedRoute{change.Name, definition.Data == "separate"})
		}
	}
	return added
}

func (e *edit) showEdit(done answer[wire.Edit]) error {
	view := view{raw: done.raw, people: func(bool) error {
		for _, change := range done.value.Changes {
			e.showChange(e.out, change)
		}
		e.out.Linef("%s", editText(done.value))
		return nil
	}}
	for _, change := range done.value.Changes {
		view.names = append(view.names, string(change.Kind)+"/"+change.Name)
	}
	return e.show(view)
}

// editText is the line under the changes.
func editText(done wire.Edit) string {
	switch {
	case len(done.Changes) == 0:
		return fmt.Sprintf("no changes  (revision %d)", done.Revision)
	case done.DryRun:
		return fmt.Sprintf("%s  (dry run: nothing was changed)", counted(len(done.Changes), "change"))
	}
	return fmt.Sprintf("%s  (revision %d → %d, by %s)", counted(len(done.Changes), "change"), done.PreviousRevision, done.Revision, done.Actor)
}

// showChange prints one object and, where it was changed, each changed value.
func (e *edit) showChange(pen term.Pen, change wire.Change) {
	marks := map[wire.ChangeOp]term.Styled{
		wire.ChangeOpAdded:   pen.Paint(term.Good, "+"),
		wire.ChangeOpChanged: pen.Paint(term.Notice, "~"),
		wire.ChangeOpRemoved: pen.Paint(term.Bad, "-"),
	}
	pen.Linef("%s %s %s", marks[change.Op], string(change.Kind), change.Name)
	if change.Op != wire.ChangeOpChanged {
		return
	}
	for _, d := range compareJSON(change.Before, change.After) {
		pen.Linef("    %s: %s → %s", d.path, d.before, d.after)
	}
}

// matching is the precondition of changing an object that was just seen at
// revision: --if-revision, or else that it is still the one that was seen.
func (e *edit) matching(revision int64) *string {
	if wanted := e.precondition(); wanted != nil {
		return etag(wanted)
	}
	return etag(&revision)
}
