package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"
)

// takeOverPatience is how much longer than its drain a predecessor is waited for.
const takeOverPatience = 10 * time.Second

// validateReusePort refuses a hand-over that could not work.
func (c *Config) validateReusePort() error {
	if c.ReusePort && !strings.HasPrefix(c.Database, "postgres") {
		return fmt.Errorf("%w: --reuse-port hands over from one running router to the next, and a SQLite file (--database %s) is for one at a time; "+
			"use PostgreSQL, or let systemd hold the socket (deploy/systemd/strangler.socket)", ErrConfig, c.Database)
	}
	return nil
}

// waitForTurn waits until at most one other router listens at the address: of
// three, the kernel would shuffle the order when the first one leaves.
func waitForTurn(ctx context.Context, address net.Addr, patience time.Duration, logger *slog.Logger) error {
	deadline := time.Now().Add(patience)
	said := false
	for {
		others, err := listenersAt(address)
		switch {
		case err != nil:
			return fmt.Errorf("count the listeners at %s: %w", address, err)
		case others <= 1:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("%w: %d other routers still listen at %s after %s: this one took no connection; end the oldest of them and start again",
				ErrConfig, others, address, patience)
		case !said:
			logger.Info("waiting for an older router to end its drain before taking over", "address", address.String(), "listeners", others)
			said = true
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
