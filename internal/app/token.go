package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/store"
)

// firstToken is the name of the token that serve makes by itself.
const firstToken = "admin"

// offerToken makes sure that somebody can get in: on SQLite with a person at
// the terminal the first admin token is made and shown, once; elsewhere the
// way to one is logged.
func (r *Router) offerToken(ctx context.Context) error {
	if r.config.AdminToken != "" {
		return nil
	}
	tokens, err := r.store.ListTokens(ctx)
	if errors.Is(err, rollout.ErrUnavailable) {
		return nil // known tokens keep working; there will be time for a new one
	}
	if err != nil || len(tokens) > 0 {
		return err
	}
	if !r.env.Terminal || !strings.HasPrefix(r.config.Database, "sqlite:") {
		r.logger.Warn("there is no token yet: nobody can use the admin API",
			"make_one_with", "strangler token create --role admin --name NAME --database "+r.store.URL(), "or_set", "STRANGLER_ADMIN_TOKEN")
		return nil
	}
	token, secret, err := auth.Mint(firstToken, auth.Admin, 0)
	if err != nil {
		return err
	}
	if err := r.store.CreateToken(ctx, token, "serve"); err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.env.Stderr, "\nThe first admin token, shown this once:\n\n%s  export STRANGLER_TOKEN=%s\n\n", r.serverHint(), secret)
	return err
}

// ctlDefault is where stranglerctl looks for a router when nobody tells it.
const ctlDefault = "127.0.0.1:9900"

// serverHint tells stranglerctl where the admin API is, unless it looks there anyway.
func (r *Router) serverHint() string {
	if r.config.Admin == ctlDefault && r.config.AdminTLSCert == "" {
		return ""
	}
	scheme := "http"
	if r.config.AdminTLSCert != "" {
		scheme = "https"
	}
	host, port, _ := net.SplitHostPort(r.admin.Addr().String())
	if addr, err := netip.ParseAddr(host); err == nil && addr.IsUnspecified() {
		host = "localhost"
	}
	return "  export STRANGLER_SERVER=" + scheme + "://" + net.JoinHostPort(host, port) + "\n"
}

// TokenRequest is what `strangler token create` is asked for.
type TokenRequest struct {
	Name string
	Role string
	TTL  time.Duration // 0: never expires
}

// CreateToken makes a token in the store of config and prints its secret, and
// nothing else, on stdout.
func CreateToken(ctx context.Context, config Config, request TokenRequest, stdout, stderr io.Writer) error {
	role, err := auth.ParseRole(request.Role)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	token, secret, err := auth.Mint(request.Name, role, request.TTL)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	opened, err := store.Open(ctx, config.Database, store.Options{Logger: quietLogger(stderr), Migrate: true, Existing: true})
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	if err := opened.CreateToken(ctx, token, "strangler token create"); err != nil {
		return fmt.Errorf("no token was made: %w", err)
	}
	until := "never expires"
	if !token.ExpiresAt.IsZero() {
		until = "expires " + token.ExpiresAt.Format(time.RFC3339)
	}
	_, _ = fmt.Fprintf(stderr, "token %s for %s in %s: role %s, %s; shown this once\n",
		token.ID, token.Name, opened.URL(), token.Role, until)
	_, err = fmt.Fprintln(stdout, secret)
	return err
}
