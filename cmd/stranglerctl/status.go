package main

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newStatusCommand(c *cli) *cobra.Command {
	var watching bool
	cmd := &cobra.Command{
		Use:   "status [ROUTE]",
		Short: "Show where every route stands, or one route in detail",
		Long: `Status shows every route with its stage, weight, hold and last change, or one
route in detail with the commands that move it on and back.

--watch keeps showing it: on a terminal it redraws in place, elsewhere it appends
a line for every change. It ends with Ctrl-C.`,
		Example: `  stranglerctl status
  stranglerctl status orders-get
  stranglerctl status --watch
  stranglerctl status -o json | jq '.[] | select(.stage == "canary") | .name'`,
		Args:              atMostOne("ROUTE"),
		ValidArgsFunction: c.completeRoute,
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := c.connect()
			if err != nil {
				return err
			}
			s := &statusReader{cli: c, api: api}
			if len(args) == 1 {
				s.route = args[0]
			}
			if watching {
				return c.watch(cmd.Context(), s)
			}
			shown, err := s.read(cmd.Context())
			if err != nil {
				return err
			}
			return s.print(shown)
		},
	}
	cmd.Flags().BoolVarP(&watching, "watch", "w", false, "keep showing it, until Ctrl-C")
	return cmd
}

// atMostOne allows one optional argument.
func atMostOne(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usagef("%s takes one %s at most, and does not know what to do with %q", cmd.CommandPath(), name, args[1])
		}
		return nil
	}
}

// statusReader reads and prints what status shows: all routes, or one.
type statusReader struct {
	*cli
	api   *client.Client
	route string // empty: all
}

// shown is one reading.
type shown struct {
	routes    []wire.RouteStatus
	raw       []byte
	detail    *answer[wire.RouteDetail] // of the one route
	router    *wire.Status              // nil: not read
	instances []wire.Instance
	fleet     error // why instances is not known
}

func (s *statusReader) read(ctx context.Context) (shown, error) {
	if s.route != "" {
		detail, err := ask[wire.RouteDetail](s.api.GetRoute(ctx, s.route))
		if err != nil {
			return shown{}, err
		}
		s.warnStale(detail.header)
		return shown{detail: &detail, raw: detail.raw, routes: []wire.RouteStatus{listed(detail.value)}}, nil
	}
	routes, err := ask[[]wire.RouteStatus](s.api.ListRoutes(ctx))
	if err != nil {
		return shown{}, err
	}
	s.warnStale(routes.header)
	all := shown{routes: routes.value, raw: routes.raw}
	if !s.global.forPeople() {
		return all, nil
	}
	router, err := ask[wire.Status](s.api.GetStatus(ctx))
	if err != nil {
		return shown{}, err
	}
	all.router = &router.value
	instances, err := ask[[]wire.Instance](s.api.ListInstances(ctx))
	all.instances, all.fleet = instances.value, err
	return all, nil
}

// listed is the part of a detail that a list shows as well.
func listed(d wire.RouteDetail) wire.RouteStatus {
	return wire.RouteStatus{
		Name: d.Name, Stage: d.Stage, WeightBp: d.WeightBp, Hold: d.Hold, Revision: d.Revision,
		Match: d.Match, Legacy: d.Legacy, New: d.New, Group: d.Group, Step: d.Step, Steps: d.Steps,
		ChangedBy: d.ChangedBy, ChangedAt: d.ChangedAt, Invalid: d.Invalid,
	}
}

func (s *statusReader) print(now shown) error {
	view := view{raw: now.raw, people: func(wide bool) error {
		if now.detail != nil {
			s.printDetail(now.detail.value)
			return nil
		}
		s.out.Linef("%s", s.header(now))
		return s.printRoutes(now.routes, wide)
	}}
	for _, r := range now.routes {
		view.names = append(view.names, r.Name)
	}
	return s.show(view)
}

// header says in one line what is served, by whom, and how the store is.
func (s *statusReader) header(now shown) term.Styled {
	parts := []string{
		fmt.Sprintf("revision %d", now.router.Revision),
		fleetText(now.instances, now.fleet),
		storeText(now.router.Store, s.now()),
	}
	text := strings.Join(parts, " · ")
	if !now.router.Store.Reachable {
		return s.out.Paint(term.Bad, text)
	}
	return s.out.Paint(term.Strong, text)
}

func fleetText(instances []wire.Instance, unknown error) string {
	if unknown != nil {
		return "instances unknown"
	}
	counts := map[wire.InstanceState]int{}
	for _, i := range instances {
		counts[i.State]++
	}
	text := counted(counts[wire.InstanceStateServing], "instance") + " serving"
	if silent := counts[wire.InstanceStateSilent]; silent > 0 {
		text += fmt.Sprintf(", %d silent", silent)
	}
	return text
}

func storeText(store wire.StoreStatus, now time.Time) string {
	if store.Reachable {
		return "store reachable"
	}
	text := "store AWAY since " + term.Ago(now.Sub(store.Since))
	if store.Error != "" {
		text += ": " + store.Error
	}
	return text
}

// printRoutes prints the table, and below it why routes are not served.
func (s *statusReader) printRoutes(routes []wire.RouteStatus, wide bool) error {
	if len(routes) == 0 {
		s.note.Linef("no routes yet: everything goes to legacy; define some with stranglerctl apply -f FILE")
		return nil
	}
	t := &term.Table{Heading: []string{"ROUTE", "STAGE", "WEIGHT", "HOLD", "STEP", "MATCH", "CHANGED", "LEGACY", "NEW", "GROUP", "REVISION"}}
	for _, r := range routes {
		row := term.Cells(r.Name, string(r.Stage), percent(r.WeightBp), holdText(r.Hold), stepText(r.Step, r.Steps), r.Match,
			term.Ago(s.now().Sub(r.ChangedAt))+" by "+r.ChangedBy, r.Legacy, r.New, r.Group, strconv.FormatInt(r.Revision, 10))
		row[3].Colour = holdColour(r.Hold)
		if r.Invalid != nil {
			row[0].Colour = term.Bad
		}
		t.Add(row...)
	}
	if err := s.showTable(t, 7, wide); err != nil {
		return err
	}
	for _, r := range routes {
		s.printInvalid(r.Name, r.Invalid)
	}
	return nil
}

func (s *statusReader) printInvalid(name string, why *wire.Invalid) {
	if why == nil {
		return
	}
	s.out.Linef("%s %s is not in the table (%s): %s: %s",
		s.out.Paint(term.Bad, markBad), name, why.Code, why.Field, why.Message)
}

func (s *statusReader) printDetail(d wire.RouteDetail) {
	r := listed(d)
	s.out.Linef("%s  %s", s.out.Paint(term.Strong, d.Name), place(stateOf(r)))
	s.printInvalid(d.Name, d.Invalid)
	field := func(name, value string) {
		if value != "" {
			s.out.Linef("  %-8s %s", name, value)
		}
	}
	field("match", d.Match)
	field("legacy", d.Legacy)
	field("new", d.New)
	field("group", d.Group)
	field("hold", holdText(d.Hold))
	field("step", stepText(d.Step, d.Steps))
	field("plan", planText(d.Plan))
	field("changed", fmt.Sprintf("%s by %s, revision %d", term.Ago(s.now().Sub(d.ChangedAt)), d.ChangedBy, d.Revision))
	s.hintNext(nextCommand(d.Name, stateOf(r)), wayBack(r))
}

func planText(p wire.PlanDefinition) string {
	if len(p.Steps) == 0 {
		return ""
	}
	return strings.Join(p.Steps, ", ") + "; bake time " + shortened(p.Bake)
}

// wayBack is the command that takes a route's users back to legacy, if any are on new.
func wayBack(r wire.RouteStatus) string {
	if r.WeightBp == 0 || r.Stage == wire.StageRetired {
		return ""
	}
	return "rollback " + term.ShellWord(r.Name)
}

// frame is a reading as print shows it, for --watch.
func (s *statusReader) frame(now shown) (string, error) {
	var b bytes.Buffer
	drawn := *s.cli
	drawn.stdout, drawn.out = &b, term.NewPen(&b, s.out.Palette)
	drawn.note = term.NewPen(&b, s.note.Palette)
	err := (&statusReader{cli: &drawn, api: s.api, route: s.route}).print(now)
	return b.String(), err
}
