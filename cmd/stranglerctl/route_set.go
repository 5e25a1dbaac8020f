package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newRouteSetCommand(c *cli) *cobra.Command {
	e := &edit{cli: c}
	var fields routeFields
	cmd := &cobra.Command{
		Use:   "set ROUTE",
		Short: "Define a route, or change its definition",
		Long: `Set defines a route, or changes what the flags name and keeps the rest. It never
moves traffic: a new route starts in stage legacy. What has no flag here is
written in a file, see stranglerctl apply.`,
		Example: `  stranglerctl route set orders-get --path '/orders/{id:[0-9]+}' --method GET --legacy monolith --new orders
  stranglerctl route set orders-get --plan 5%,50%,100% --bake 1h`,
		Args:              arguments("ROUTE"),
		ValidArgsFunction: c.completeRoute,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !fields.anyGiven(cmd.Flags()) {
				return usagef("route set %s: name what to set, such as --new BACKEND", args[0])
			}
			if cmd.Flags().Changed("path") && cmd.Flags().Changed("prefix") {
				return usagef("a route matches by --path or by --prefix: give one of them")
			}
			api, err := c.connect()
			if err != nil {
				return err
			}
			definition, params, err := e.routeToSet(cmd.Context(), api, args[0])
			if err != nil {
				return err
			}
			fields.fill(&definition, cmd.Flags())
			done, err := ask[wire.Edit](api.PutRoute(cmd.Context(), args[0], &params, definition))
			if err != nil {
				return err
			}
			return e.finish(cmd.Context(), api, done)
		},
	}
	e.registerEdit(cmd)
	fields.register(cmd.Flags())
	return cmd
}

// routeToSet fetches the definition to start from, and the precondition that
// makes sure it is still that one: empty, and "does not exist", for a new route.
func (e *edit) routeToSet(ctx context.Context, api *client.Client, name string) (wire.RouteDefinition, wire.PutRouteParams, error) {
	params := wire.PutRouteParams{Reason: given(e.reason), IfMatch: etag(e.precondition())}
	current, err := ask[struct {
		Revision   int64
		Definition json.RawMessage
	}](api.GetRoute(ctx, name))
	var f *failure
	if errors.As(err, &f) && f.code == exitNotFound && params.IfMatch == nil {
		params.IfNoneMatch = new("*")
		return wire.RouteDefinition{Name: name}, params, nil
	}
	if err != nil {
		return wire.RouteDefinition{}, params, err
	}
	if params.IfMatch == nil {
		params.IfMatch = etag(&current.value.Revision)
	}
	var definition wire.RouteDefinition
	strict := json.NewDecoder(bytes.NewReader(current.value.Definition))
	strict.DisallowUnknownFields() // what this program does not know it would lose
	if err := strict.Decode(&definition); err != nil {
		return definition, params, &failure{
			code: exitFailure,
			err:  fmt.Errorf("route %s has settings that this stranglerctl does not know; nothing was changed: %w", name, err),
			hint: "use a stranglerctl of the router's version, or stranglerctl apply",
		}
	}
	return definition, params, nil
}

// routeFields are the parts of a definition that have a flag.
type routeFields struct {
	host, path, prefix  string
	methods, plan       []string
	legacy, new, group  string
	trailingSlash, bake string
	data                string
	priority            int
}

func (r *routeFields) register(flags *pflag.FlagSet) {
	flags.StringVar(&r.host, "host", "", "host to match: exact, or *.suffix")
	flags.StringVar(&r.path, "path", "", "path template to match, such as /orders/{id}")
	flags.StringVar(&r.prefix, "prefix", "", "path prefix to match, such as /orders")
	flags.StringSliceVar(&r.methods, "method", nil, "methods to match; none given: all")
	flags.StringVar(&r.legacy, "legacy", "", "backend of the legacy side")
	flags.StringVar(&r.new, "new", "", "backend of the new side")
	flags.StringVar(&r.group, "group", "", "cohort group")
	flags.StringVar(&r.trailingSlash, "trailing-slash", "", "strict or either")
	flags.StringVar(&r.data, "data", "", "where writes go: shared (both sides, one store), synced or separate")
	flags.IntVar(&r.priority, "priority", 0, "higher wins before anything else is looked at")
	flags.StringSliceVar(&r.plan, "plan", nil, "steps, such as shadow,1%,25%,100%")
	flags.StringVar(&r.bake, "bake", "", "how long a step is watched before the next, such as 10m")
}

// setters maps every flag to what it does to a definition.
func (r *routeFields) setters() map[string]func(*wire.RouteDefinition) {
	return map[string]func(*wire.RouteDefinition){
		"host":           func(d *wire.RouteDefinition) { d.Match.Host = r.host },
		"path":           func(d *wire.RouteDefinition) { d.Match.Path, d.Match.Prefix = r.path, "" },
		"prefix":         func(d *wire.RouteDefinition) { d.Match.Prefix, d.Match.Path = r.prefix, "" },
		"method":         func(d *wire.RouteDefinition) { d.Match.Methods = upper(r.methods) },
		"legacy":         func(d *wire.RouteDefinition) { d.Legacy = r.legacy },
		"new":            func(d *wire.RouteDefinition) { d.New = r.new },
		"group":          func(d *wire.RouteDefinition) { d.Group = r.group },
		"trailing-slash": func(d *wire.RouteDefinition) { d.TrailingSlash = r.trailingSlash },
		"data":           func(d *wire.RouteDefinition) { d.Data = wire.RouteDefinitionData(r.data) },
		"priority":       func(d *wire.RouteDefinition) { d.Priority = r.priority },
		"plan":           func(d *wire.RouteDefinition) { d.Plan.Steps = r.plan },
		"bake":           func(d *wire.RouteDefinition) { d.Plan.Bake = r.bake },
	}
}

func (r *routeFields) anyGiven(flags *pflag.FlagSet) bool {
	for flag := range r.setters() {
		if flags.Changed(flag) {
			return true
		}
	}
	return false
}

func (r *routeFields) fill(definition *wire.RouteDefinition, flags *pflag.FlagSet) {
	for flag, set := range r.setters() {
		if flags.Changed(flag) {
			set(definition)
		}
	}
}

func upper(methods []string) []string {
	for i, method := range methods {
		methods[i] = strings.ToUpper(method)
	}
	return methods
}
