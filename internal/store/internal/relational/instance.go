package relational

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
)

// remembered is how long an instance is listed after its last heartbeat.
const remembered = 24 * time.Hour

// Heartbeat implements fleet.Source. It neither takes the lock that changes
// take nor notifies anybody: it comes from every instance every few seconds.
func (d *DB) Heartbeat(ctx context.Context, instance fleet.Instance) error {
	if err := checkText(field{"instance", instance.Name}, field{"version", instance.Version}); err != nil {
		return err
	}
	trouble, err := keptTrouble(instance.Trouble)
	if err != nil {
		return fmt.Errorf("describe the trouble of %q: %w", instance.Name, err)
	}
	return d.bounded(ctx, patience, func(ctx context.Context) error {
		var seen instant
		err := d.writes.QueryRowContext(ctx, `INSERT INTO instances (name, revision, version, started_at, signed_off, override_keys, redaction_keys, trouble, seen_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, `+d.dialect.Now+`)
			ON CONFLICT (name) DO UPDATE SET revision = excluded.revision, version = excluded.version,
				started_at = excluded.started_at, signed_off = excluded.signed_off,
				override_keys = excluded.override_keys, redaction_keys = excluded.redaction_keys,
				trouble = excluded.trouble, seen_at = excluded.seen_at
			RETURNING seen_at`,
			instance.Name, instance.Revision, instance.Version, kept(instance.StartedAt), instance.SignedOff,
			keptIDs(instance.OverrideKeys), keptIDs(instance.RedactionKeys), trouble).Scan(&seen)
		if err != nil {
			return fmt.Errorf("write the heartbeat of %q: %w", instance.Name, err)
		}
		if _, err := d.writes.ExecContext(ctx, `DELETE FROM instances WHERE seen_at < $1`, seen.Add(-remembered)); err != nil {
			return fmt.Errorf("forget old instances: %w", err)
		}
		return nil
	})
}

// Instances implements fleet.Source.
func (d *DB) Instances(ctx context.Context) ([]fleet.Instance, error) {
	var instances []fleet.Instance
	err := d.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		now, err := d.now(ctx, tx)
		if err != nil {
			return err
		}
		return each(ctx, tx, func(rows *sql.Rows) error {
			instance, err := scanInstance(rows, now)
			if instance.Age < remembered {
				instances = append(instances, instance)
			}
			return err
		}, `SELECT name, revision, version, started_at, seen_at, signed_off, override_keys, redaction_keys, trouble FROM instances ORDER BY name`)
	})
	if err != nil {
		return nil, fmt.Errorf("read instances: %w", err)
	}
	return instances, nil
}

func scanInstance(rows *sql.Rows, now time.Time) (fleet.Instance, error) {
	var (
		instance      fleet.Instance
		started, seen instant
		signing       sql.NullString
		hiding        sql.NullString
		trouble       document
	)
	err := rows.Scan(&instance.Name, &instance.Revision, &instance.Version, &started, &seen, &instance.SignedOff, &signing, &hiding, &trouble)
	instance.StartedAt = started.Time
	instance.Age = max(0, now.Sub(seen.Time))
	instance.OverrideKeys, instance.RedactionKeys = readIDs(signing), readIDs(hiding)
	instance.Trouble = readTrouble(trouble)
	return instance, err
}

// readTrouble is nil for what this program cannot read, as it is for nothing: a
// newer router may have another idea of trouble, and is still to be waited for.
func readTrouble(text document) *fleet.Trouble {
	var trouble *fleet.Trouble
	if json.Unmarshal(text, &trouble) != nil {
		return nil
	}
	return trouble
}

// keptTrouble is trouble as its column has it.
func keptTrouble(trouble *fleet.Trouble) (any, error) {
	if trouble == nil {
		return nil, nil
	}
	text, err := json.Marshal(trouble)
	return jsonOrNull(text), err
}

// readIDs is what keptIDs has written.
func readIDs(column sql.NullString) []string {
	if !column.Valid {
		return nil
	}
	return strings.FieldsFunc(column.String, func(r rune) bool { return r == ',' })
}

// keptIDs is a list of ids as its column has it: null and empty differ.
func keptIDs(ids []string) sql.NullString {
	return sql.NullString{String: strings.Join(ids, ","), Valid: ids != nil}
}
