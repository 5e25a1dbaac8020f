package main

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newStatusCommand(c *cli) *cobra.Command {
	var watching bool
	cmd := &cobra.Command{
		Use:   "status [ROUTE]",
		Short: "Show where every route stands, or one route in detail",
		Long: `Status shows every route with its stage, weight, hold, last change and parity: of
so many comparisons, the share in which new answered as legacy does. AUTO is what the
autopilot may do with it, and GATES what keeps it from its next step. Of one route it
shows the details, each gate, and the commands that move it on and back.

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
				return watch(cmd.Context(), c, s)
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
	compared  *wire.RouteDifferences    // likewise; nil: nothing was, or it could not be read
	gates     *wire.RouteGates          // likewise; nil: it has none, or they could not be asked
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
		s.warn(detail.header)
		one := shown{detail: &detail, raw: detail.raw, routes: []wire.RouteStatus{listed(detail.value)}}
		if !s.global.forPeople() {
			return one, nil
		}
		router, err := ask[wire.Status](s.api.GetStatus(ctx))
		if err != nil {
			return shown{}, err
		}
		one.router, one.compared, one.gates = &router.value, s.compared(ctx, detail.value), s.gatesOf(ctx, detail.value)
		instances, err := ask[[]wire.Instance](s.api.ListInstances(ctx))
		one.instances, one.fleet = instances.value, err
		return one, nil
	}
	routes, err := ask[[]wire.RouteStatus](s.api.ListRoutes(ctx))
	if err != nil {
		return shown{}, err
	}
	s.warn(routes.header)
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

// warn leaves to print what people read above the routes.
func (s *statusReader) warn(header http.Header) {
	if s.global.forPeople() {
		s.warnAway(header)
		return
	}
	s.warnStale(header)
}

// listed is the part of a detail that a list shows as well.
func listed(d wire.RouteDetail) wire.RouteStatus {
	return wire.RouteStatus{
		Name: d.Name, Stage: d.Stage, WeightBp: d.WeightBp, Hold: d.Hold, Revision: d.Revision,
		Match: d.Match, Legacy: d.Legacy, New: d.New, Group: d.Group, Step: d.Step, Steps: d.Steps,
		ChangedBy: d.ChangedBy, ChangedAt: d.ChangedAt, Invalid: d.Invalid, Parity: d.Parity,
		Autopilot: d.Autopilot, Gates: d.Gates,
	}
}
