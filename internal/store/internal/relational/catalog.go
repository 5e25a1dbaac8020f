package relational

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// catalog is everything defined, as rows, each list by name.
type catalog struct {
	backends []definedRow
	groups   []definedRow
	webhooks []definedRow
	routes   []routeRow
}

// definedRow is one row of the tables backends, cohort_groups and webhooks.
type definedRow struct {
	name       string
	definition document
	revision   routing.Revision
}

func readCatalog(ctx context.Context, tx *sql.Tx) (catalog, error) {
	var (
		c   catalog
		err error
	)
	if c.backends, err = selectDefined(ctx, tx, spec.KindBackend); err != nil {
		return catalog{}, err
	}
	if c.groups, err = selectDefined(ctx, tx, spec.KindGroup); err != nil {
		return catalog{}, err
	}
	if c.webhooks, err = selectDefined(ctx, tx, spec.KindWebhook); err != nil {
		return catalog{}, err
	}
	c.routes, err = selectRoutes(ctx, tx, "")
	return c, err
}

func selectDefined(ctx context.Context, tx *sql.Tx, kind string) ([]definedRow, error) {
	var defined []definedRow
	err := each(ctx, tx, func(rows *sql.Rows) error {
		var r definedRow
		err := rows.Scan(&r.name, &r.definition, &r.revision)
		defined = append(defined, r)
		return err
	}, `SELECT name, definition, revision FROM `+table(kind)+` ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("read %ss: %w", kind, err)
	}
	return defined, nil
}

// definitions decodes the rows. What this program cannot read keeps its name
// and nothing else: it then does not compile, and is shown as invalid, while
// everything beside it still applies.
func (c catalog) definitions(logger *slog.Logger) spec.Definitions {
	var d spec.Definitions
	for _, row := range c.backends {
		d.Backends = append(d.Backends, decode(logger, spec.KindBackend, row.name, row.definition, spec.Backend{Name: row.name}))
	}
	for _, row := range c.groups {
		d.Groups = append(d.Groups, decode(logger, spec.KindGroup, row.name, row.definition, spec.Group{Name: row.name}))
	}
	for _, row := range c.webhooks {
		d.Webhooks = append(d.Webhooks, decode(logger, spec.KindWebhook, row.name, row.definition, spec.Webhook{Name: row.name}))
	}
	for _, row := range c.routes {
		d.Routes = append(d.Routes, row.decoded(logger))
	}
	return d
}

func (r routeRow) decoded(logger *slog.Logger) spec.Route {
	return decode(logger, spec.KindRoute, r.name, r.definition, spec.Route{Name: r.name})
}

// decode does not say what it could not read: a webhook's address may be a secret.
func decode[T any](logger *slog.Logger, kind, name string, definition document, named T) T {
	var value T
	if err := json.Unmarshal(definition, &value); err != nil {
		logger.Warn("a stored definition cannot be read", "kind", kind, "name", name, "error", err)
		return named
	}
	return value
}

func (c catalog) states() map[string]rollout.State {
	states := make(map[string]rollout.State, len(c.routes))
	for _, r := range c.routes {
		states[r.name] = r.state
	}
	return states
}

func (c catalog) routesByName() map[string]routeRow {
	index := make(map[string]routeRow, len(c.routes))
	for _, r := range c.routes {
		index[r.name] = r
	}
	return index
}

// revision of one object; 0 when there is none.
func (c catalog) revision(kind, name string) routing.Revision {
	switch kind {
	case spec.KindBackend:
		return revisionOf(c.backends, name)
	case spec.KindGroup:
		return revisionOf(c.groups, name)
	case spec.KindWebhook:
		return revisionOf(c.webhooks, name)
	default:
		return c.routesByName()[name].revision
	}
}

func revisionOf(rows []definedRow, name string) routing.Revision {
	for _, r := range rows {
		if r.name == name {
			return r.revision
		}
	}
	return 0
}

func revisions(rows []definedRow) []routing.Revision {
	out := make([]routing.Revision, len(rows))
	for i, r := range rows {
		out[i] = r.revision
	}
	return out
}
