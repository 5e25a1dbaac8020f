package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newFaultCommand(c *cli) *cobra.Command {
	return family("fault", "Trouble that is injected to see the guard work",
		newFaultListCommand(c), newFaultStartCommand(c), newFaultStopCommand(c))
}

func newFaultListCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:     "ls",
		Short:   "List the faults that are injected now",
		Example: `  stranglerctl fault ls`,
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := c.connect()
			if err != nil {
				return err
			}
			faults, err := ask[[]wire.Fault](api.ListFaults(cmd.Context()))
			if err != nil {
				return err
			}
			c.warnStale(faults.header)
			return c.showFaults(faults)
		},
	}
}

func (c *cli) showFaults(faults answer[[]wire.Fault]) error {
	view := view{raw: faults.raw, people: func(wide bool) error {
		if len(faults.value) == 0 {
			c.note.Linef("no fault runs")
			return nil
		}
		t := &term.Table{Heading: []string{"ID", "ROUTE", "SIDE", "FAULT", "LEFT", "BY", "REASON", "ENDS"}}
		for _, f := range faults.value {
			row := term.Cells(strconv.FormatInt(f.ID, 10), f.Route, string(f.Side), faultText(f), leftText(f.LeftS), f.Actor, f.Reason, moment(&f.EndsAt))
			row[3].Colour = term.Bad
			t.Add(row...)
		}
		return c.showTable(t, 7, wide)
	}}
	for _, f := range faults.value {
		view.names = append(view.names, strconv.FormatInt(f.ID, 10))
	}
	return c.show(view)
}

// faultText says what a fault does, and to what: "300ms ± 100ms, then 503, 20%
// of the tries with X-Test: 1".
func faultText(f wire.Fault) string {
	var does []string
	if f.Latency != "" {
		slow := shortened(f.Latency)
		if f.Jitter != "" {
			slow += " ± " + shortened(f.Jitter)
		}
		does = append(does, slow)
	}
	if f.Status != 0 {
		does = append(does, strconv.Itoa(f.Status))
	}
	if f.Reset {
		does = append(does, "reset")
	}
	text := strings.Join(does, ", then ") + ", " + percent(wire.Weight(f.PercentBp)) + " of the tries"
	if f.Header != "" {
		text += " with " + f.Header
	}
	if f.Value != "" {
		text += ": " + f.Value
	}
	return text
}

func leftText(s float64) string { return shortened(seconds(s).Round(time.Second).String()) }

// changeFaults shows what became of a start or a stop, and waits if asked to.
func (c *cli) changeFaults(ctx context.Context, api *client.Client, o *changeOptions, what string, made answer[wire.FaultChange]) error {
	change := made.value
	view := view{raw: made.raw, people: func(bool) error {
		for _, f := range change.Faults {
			id := ""
			if f.ID != 0 { // a dry run has none to give
				id = fmt.Sprintf(" %d", f.ID)
			}
			c.out.Linef("%s  side %s: fault%s %s: %s, %s left  (%s)", c.out.Paint(term.Strong, f.Route), string(f.Side), id, what,
				faultText(f), leftText(f.LeftS), revisionsText(change.DryRun, change.PreviousRevision, change.Revision, change.Actor))
		}
		return nil
	}}
	for _, f := range change.Faults {
		view.names = append(view.names, strconv.FormatInt(f.ID, 10))
	}
	if err := c.show(view); err != nil {
		return err
	}
	return c.finish(ctx, api, o, change.Note, change.Revision)
}

// finish tells what else there is to know of a change, and waits for the fleet
// if asked to.
func (c *cli) finish(ctx context.Context, api *client.Client, o *changeOptions, note string, revision int64) error {
	if note != "" {
		c.note.Linef("%s", note)
	}
	if o.dryRun || o.wait == 0 {
		return nil
	}
	return c.waitFor(ctx, api, revision, o.wait)
}

// revisionsText says like "revision 4 → 5, by ana".
func revisionsText(dryRun bool, previous, revision int64, actor string) string {
	switch {
	case dryRun:
		return "dry run: nothing was changed"
	case previous == revision:
		return fmt.Sprintf("unchanged, revision %d", revision)
	}
	return fmt.Sprintf("revision %d → %d, by %s", previous, revision, actor)
}

// completeFault offers the ids of the faults that run.
func (c *cli) completeFault(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return c.complete(cmd, args, func(ctx context.Context) ([]string, error) {
		api, err := c.connect()
		if err != nil {
			return nil, err
		}
		faults, err := ask[[]wire.Fault](api.ListFaults(ctx))
		offers := make([]string, len(faults.value))
		for i, f := range faults.value {
			offers[i] = fmt.Sprintf("%d\t%s, side %s: %s", f.ID, f.Route, f.Side, faultText(f))
		}
		slices.Sort(offers)
		return offers, err
	})
}
