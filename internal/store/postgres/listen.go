package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/store/internal/relational"
)

// quiet is how long a listening connection may be silent before it is asked
// whether it still lives, when Options do not say: a dead one reports nothing by
// itself. It then has a third of that time to answer.
const quiet = 10 * time.Second

// hearWithin is how long a notification may take on its way through the server,
// which is a matter of milliseconds.
const hearWithin = 3 * time.Second

// Listen implements fleet.Source on a connection of its own. It wakes first
// when LISTEN is in force, so that no commit falls between reading and listening.
func (s *Store) Listen(ctx context.Context, wake func()) error {
	if err := s.ready.check(ctx); err != nil {
		return s.lost(ctx, err)
	}
	conn, err := pgx.ConnectConfig(ctx, s.listener.Copy())
	if err != nil {
		return s.lost(ctx, err)
	}
	defer func() { goodbye(conn) }()
	for _, step := range []func() error{
		func() error { return s.hears(ctx, conn) },
		func() error { return execute(ctx, conn, "LISTEN "+channel) },
	} {
		if err := step(); err != nil {
			return s.lost(ctx, err)
		}
	}
	wake()
	for {
		if err := wait(ctx, conn, s.quiet); err != nil {
			return s.lost(ctx, err)
		}
		wake()
	}
}

// hears fails with fleet.ErrDeaf when what another connection announces does
// not arrive on this one. A pooler in transaction mode accepts LISTEN like any
// statement, and gives the notifications to whoever has that session later.
func (s *Store) hears(ctx context.Context, conn *pgx.Conn) error {
	trial := channel + "_" + strings.ToLower(rand.Text()) // nobody else's
	if err := execute(ctx, conn, "LISTEN "+trial); err != nil {
		return err
	}
	if _, err := s.pool.Exec(ctx, "SELECT pg_notify($1, '')", trial); err != nil {
		return err
	}
	soon, cancel := context.WithTimeout(ctx, hearWithin)
	defer cancel()
	_, err := conn.WaitForNotification(soon)
	if err != nil && ctx.Err() == nil && pgconn.Timeout(err) {
		_ = execute(ctx, conn, "UNLISTEN "+trial) // the session is somebody else's from now on
		return fmt.Errorf("%w: a pooler in transaction mode keeps those of %s to itself; name the database server, beside the pooler, by --database-listen",
			fleet.ErrDeaf, display(s.listener))
	}
	if err != nil {
		return err
	}
	return execute(ctx, conn, "UNLISTEN "+trial)
}

func execute(ctx context.Context, conn *pgx.Conn, statement string) error {
	_, err := conn.Exec(ctx, statement)
	return err
}

// wait returns at the next notification, or with the reason for which none can come.
func wait(ctx context.Context, conn *pgx.Conn, quiet time.Duration) error {
	for {
		silence, cancel := context.WithTimeout(ctx, quiet)
		_, err := conn.WaitForNotification(silence)
		cancel()
		if err == nil || ctx.Err() != nil || !pgconn.Timeout(err) {
			return err
		}
		if err := alive(ctx, conn, quiet/3); err != nil {
			return fmt.Errorf("silent for %s, and no answer to a ping: %w", quiet, err)
		}
	}
}

func alive(ctx context.Context, conn *pgx.Conn, answer time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	return conn.Ping(ctx)
}

// lost says why listening ended.
func (s *Store) lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("listening to %s ended: %w", s.URL(), ctx.Err())
	}
	if errors.Is(err, rollout.ErrUnavailable) || errors.Is(err, fleet.ErrDeaf) {
		return err
	}
	return relational.Unavailable(s.URL(), brief(fmt.Errorf("listening ended: %w", err)), advice(err))
}

func goodbye(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}
