package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

const historyLimit = 50

func newHistoryCommand(c *cli) *cobra.Command {
	var limit int
	var before int64
	var verify bool
	cmd := &cobra.Command{
		Use:   "history [ROUTE]",
		Short: "Show who changed what, when and why, newest first",
		Long: `History shows every change, newest first: revision, time, who, what, before and
after, and the reason that was given. Below a change that evidence made, or that was
forced against a gate, stands what was found; -o json has all of it.

--verify follows the chain of hashes through the whole history instead, and
exits 1 when a row was changed, removed or put in afterwards.`,
		Example: `  stranglerctl history
  stranglerctl history orders-get -o wide
  stranglerctl history --verify
  stranglerctl history -o json | jq '.[0].actor'`,
		Args:              atMostOne("ROUTE"),
		ValidArgsFunction: c.completeRoute,
		PreRunE: func(cmd *cobra.Command, args []string) error {
			if verify && (len(args) > 0 || cmd.Flags().Changed("limit") || cmd.Flags().Changed("before")) {
				return usagef("--verify is about the whole history: leave the route, --limit and --before away")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if verify {
				return c.verifyHistory(cmd.Context())
			}
			params := &wire.ListEventsParams{Limit: &limit, Before: given(before)}
			if len(args) == 1 {
				params.Route = &args[0]
			}
			if limit < 1 || limit > 1000 {
				return usagef("--limit %d: want 1 to 1000", limit)
			}
			api, err := c.connect()
			if err != nil {
				return err
			}
			events, err := ask[[]wire.Event](api.ListEvents(cmd.Context(), params))
			if err != nil {
				return err
			}
			if len(events.value) == 0 && len(args) == 1 && before == 0 {
				return noHistory(args[0])
			}
			return c.showEvents(events, limit)
		},
	}
	cmd.Flags().IntVarP(&limit, "limit", "n", historyLimit, "at most this many")
	cmd.Flags().Int64Var(&before, "before", 0, "only what came before the event with this id")
	cmd.Flags().BoolVar(&verify, "verify", false, "check that the whole history is what was written")
	return cmd
}

// noHistory is for a route that never was: every other one has an event.
func noHistory(route string) error {
	return &failure{
		code: exitNotFound,
		err:  fmt.Errorf("there is no route %q, and there never was", route),
		hint: "list them with: stranglerctl route ls",
	}
}

func (c *cli) showEvents(events answer[[]wire.Event], limit int) error {
	view := view{raw: events.raw, people: func(wide bool) error {
		t := &term.Table{Heading: []string{"REVISION", "WHEN", "WHO", "WHAT", "CHANGE", "REASON", "AT", "CAUSE", "ID"}}
		for _, e := range events.value {
			proof := proofOf(e)
			t.Add(term.Cells(
				strconv.FormatInt(e.Revision, 10), term.Ago(c.now().Sub(e.At)), whoText(e), whatText(e),
				changeText(e), proof.reason(e), e.At.Local().Format(time.DateTime), string(e.Cause), strconv.FormatInt(e.ID, 10))...)
			if line := proof.text(); line != "" {
				t.Below(term.Cell{Text: line, Colour: term.Notice})
			}
		}
		return c.showTable(t, 6, wide)
	}}
	for _, e := range events.value {
		view.names = append(view.names, e.Subject)
	}
	if err := c.show(view); err != nil {
		return err
	}
	if n := len(events.value); n == limit {
		c.note.Linef("newest first; older ones: --before %d", events.value[n-1].ID)
	}
	return nil
}

// changeText is what an event changed, in short: where a route stood and
// stands, or which kind of thing was added, changed or removed.
func changeText(e wire.Event) string {
	before, after := stateIn(e.Before), stateIn(e.After)
	if before != nil && after != nil {
		return place(*before) + " → " + place(*after)
	}
	if text := guardChange(e); text != "" {
		return text
	}
	if text := pilotChange(e); text != "" {
		return text
	}
	switch {
	case absent(e.Before) && absent(e.After):
		return e.Kind
	case absent(e.Before):
		return e.Kind + " added"
	case absent(e.After):
		return e.Kind + " removed"
	}
	return fmt.Sprintf("%s changed", e.Kind)
}

// stateIn reads a State out of an event; nil when it holds something else.
func stateIn(raw json.RawMessage) *wire.State {
	var s wire.State
	if json.Unmarshal(raw, &s) != nil || !s.Stage.Valid() {
		return nil
	}
	if s.Hold.Kind != nil && *s.Hold.Kind == "" {
		s.Hold.Kind = nil
	}
	return &s
}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }
