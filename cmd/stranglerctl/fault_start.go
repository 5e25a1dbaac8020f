package main

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/internal/api/wire"
)

// faultStart is the command that injects a fault.
type faultStart struct {
	*cli
	changeOptions
	side            string
	latency, jitter time.Duration
	percent, header string
	status          int
	reset           bool
	lasts           time.Duration
}

func newFaultStartCommand(c *cli) *cobra.Command {
	s := &faultStart{cli: c}
	cmd := &cobra.Command{
		Use:   "start ROUTE --side new --for 5m --latency 300ms|--status 503|--reset",
		Short: "Inject latency, an error or a reset into one side of a route",
		Long: `Start makes every router meet the tries of one side of one route with trouble: it
waits, answers with a status in place of the backend, or ends as if the backend
had reset the connection. Breaker, retries and fallback take it for real, and so
do users whom none of them helps. The breaker counts a fault by --header with all
the rest: where half of the requests bear that header, it opens for everybody.
Gates take it for real as well: a route whose new side fails is rolled back, unless
its autopilot is disarmed.

A fault ends by itself, after an hour at most, also while the database is away.`,
		Example: `  stranglerctl fault start orders-get --side new --latency 300ms --jitter 100ms --for 5m
  stranglerctl fault start orders-get --side new --status 503 --percent 20 --for 5m
  stranglerctl fault start orders-get --side new --reset --header X-Test:1 --for 10m`,
		Args:              arguments("ROUTE"),
		ValidArgsFunction: c.completeRoute,
		PreRunE:           func(*cobra.Command, []string) error { return s.check() },
		RunE:              func(cmd *cobra.Command, args []string) error { return s.run(cmd.Context(), args[0]) },
	}
	s.register(cmd)
	c.registerYes(cmd)
	flags := cmd.Flags()
	flags.StringVar(&s.side, "side", "", "new or legacy")
	offer(cmd, "side", string(wire.SideNew), string(wire.SideLegacy))
	flags.DurationVar(&s.lasts, "for", 0, "how long; 1h at most")
	flags.DurationVar(&s.latency, "latency", 0, "wait so long before each try; 1m at most, with the jitter")
	flags.DurationVar(&s.jitter, "jitter", 0, "so much more or less")
	flags.StringVar(&s.percent, "percent", "100", "share of the tries that meet it")
	flags.IntVar(&s.status, "status", 0, "answer with this status, 400 to 599, in place of the backend")
	flags.BoolVar(&s.reset, "reset", false, "end the try as if the backend had reset the connection")
	flags.StringVar(&s.header, "header", "", "only requests with this header, NAME or NAME:VALUE")
	return cmd
}

// check refuses what cannot be meant before anybody is asked.
func (s *faultStart) check() error {
	switch {
	case s.side == "" || s.lasts == 0:
		return usagef("a fault wants a side and an end: add both, like --side new --for 5m")
	case !wire.Side(s.side).Valid():
		return usagef("--side %q: want new or legacy", s.side)
	case s.lasts < 0:
		return usagef("--for %s: want how long it lasts, such as 5m", shortened(s.lasts.String()))
	case s.latency == 0 && s.status == 0 && !s.reset:
		return usagef("a fault wants something to do: add --latency, --status or --reset")
	}
	return s.changeOptions.check()
}

func (s *faultStart) run(ctx context.Context, route string) error {
	bp, err := basisPoints(s.percent)
	if err != nil {
		return err
	}
	name, value, _ := strings.Cut(s.header, ":")
	api, err := s.connect()
	if err != nil {
		return err
	}
	made, err := ask[wire.FaultChange](api.StartFault(ctx, &wire.StartFaultParams{DryRun: given(s.dryRun)}, wire.FaultRequest{
		Route: route, Side: wire.Side(s.side), Latency: durationText(s.latency), Jitter: durationText(s.jitter), PercentBp: &bp,
		Status: s.status, Reset: s.reset, Header: strings.TrimSpace(name), Value: strings.TrimSpace(value), For: s.lasts.String(), Reason: s.reason,
	}))
	if err != nil {
		return err
	}
	if err := s.changeFaults(ctx, api, &s.changeOptions, "started", made); err != nil || s.dryRun {
		return err
	}
	s.hintNext("", fmt.Sprintf("fault stop %d", made.value.Faults[0].ID))
	return nil
}

// basisPoints reads a percentage such as 20, 20% or 0.5%.
func basisPoints(text string) (int, error) {
	share, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if bp := math.Round(share * 100); err == nil && bp >= 1 && bp <= 10_000 {
		return int(bp), nil
	}
	return 0, usagef("--percent %q: want more than 0 and at most 100, such as 20 or 0.5", text)
}

// durationText is empty for none.
func durationText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}
