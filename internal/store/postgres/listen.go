package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/store/internal/relational"
)

// quiet is how long a listening connection may be silent before it is asked
// whether it still lives, when Options do not say: a dead one reports nothing by
// itself. It then has a third of that time to answer.
const quiet = 10 * time.Second

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
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return s.lost(ctx, err)
	}
	wake()
	for {
		if err := wait(ctx, conn, s.quiet); err != nil {
			return s.lost(ctx, err)
		}
		wake()
	}
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
	if errors.Is(err, rollout.ErrUnavailable) {
		return err
	}
	return relational.Unavailable(s.URL(), brief(fmt.Errorf("listening ended: %w", err)), advice(err))
}

func goodbye(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}
