package relational

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
)

// routeColumns are the columns of table routes, in the order of routeRow.row. The
// database itself writes step_revision and step_at.
var routeColumns = []string{
	"name", "definition", "stage", "weight_bp", "hold_kind", "hold_reason", "hold_evidence",
	"revision", "changed_by", "changed_at", "last_event",
}

// replaceRoute makes an insertion an update of a route that is there.
const replaceRoute = `ON CONFLICT (name) DO UPDATE SET definition = excluded.definition,
	stage = excluded.stage, weight_bp = excluded.weight_bp, hold_kind = excluded.hold_kind,
	hold_reason = excluded.hold_reason, hold_evidence = excluded.hold_evidence,
	revision = excluded.revision, changed_by = excluded.changed_by,
	changed_at = excluded.changed_at, last_event = excluded.last_event`

// routeRow is one row of table routes.
type routeRow struct {
	name       string
	definition document
	state      rollout.State
	revision   routing.Revision
	changedBy  string
	changedAt  time.Time
	step       routing.Revision // of the change that brought it to its stage and weight
	stepAt     time.Time
	last       sql.NullInt64 // id of the newest lifecycle event
}

func (r routeRow) row() []any {
	hold := r.state.Hold
	return []any{
		r.name, string(r.definition), r.state.Stage.String(), int64(r.state.Weight),
		string(hold.Kind), hold.Reason, jsonOrNull(hold.Evidence),
		r.revision, r.changedBy, kept(r.changedAt), r.last,
	}
}

func (r routeRow) routeState() fleet.RouteState {
	return fleet.RouteState{
		State: r.state, Revision: r.revision, ChangedBy: r.changedBy, ChangedAt: r.changedAt,
		StepRevision: r.step, StepAt: r.stepAt,
	}
}

// touch notes who changed the route last.
func (r *routeRow) touch(w *writing, actor string) {
	r.revision, r.changedBy, r.changedAt = w.head.revision, actor, w.at
}

// stand brings a route that was touched to a state. A step is begun as the
// triggers of table routes have it: another hold is none.
func (r *routeRow) stand(next rollout.State) {
	if r.state.Stage != next.Stage || r.state.Weight != next.Weight {
		r.step, r.stepAt = r.revision, r.changedAt
	}
	r.state = next
}

// selectRoutes reads rows of table routes by name, in the order of bytes.
func selectRoutes(ctx context.Context, tx *sql.Tx, where string, args ...any) ([]routeRow, error) {
	var routes []routeRow
	err := each(ctx, tx, func(rows *sql.Rows) error {
		r, err := scanRoute(rows)
		routes = append(routes, r)
		return err
	}, `SELECT name, definition, stage, weight_bp, hold_kind, hold_reason, hold_evidence,
		revision, changed_by, changed_at, step_revision, step_at, last_event FROM routes `+where+` ORDER BY name`, args...)
	if err != nil {
		return nil, fmt.Errorf("read routes: %w", err)
	}
	return routes, nil
}

func scanRoute(rows *sql.Rows) (routeRow, error) {
	var (
		r        routeRow
		stage    string
		evidence document
		changed  instant
		step     instant
	)
	hold := &r.state.Hold
	err := rows.Scan(&r.name, &r.definition, &stage, &r.state.Weight, &hold.Kind, &hold.Reason, &evidence,
		&r.revision, &r.changedBy, &changed, &r.step, &step, &r.last)
	if err != nil {
		return routeRow{}, err
	}
	hold.Evidence, r.changedAt, r.stepAt = json.RawMessage(evidence), changed.Time, step.Time
	r.state.Stage, err = routing.ParseStage(stage)
	return r, err
}

// putRoutes writes whole rows, of routes that are there and of new ones.
func putRoutes(ctx context.Context, tx *sql.Tx, routes []routeRow) error {
	rows := make([][]any, len(routes))
	for i, r := range routes {
		rows[i] = r.row()
	}
	return insert(ctx, tx, "routes", routeColumns, rows, replaceRoute)
}
