package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Variable names the server that tests use, as the URL of a superuser. Main
// sets it for the tests of its package when it started a server of its own.
const Variable = "STRANGLER_TEST_POSTGRES"

// Main runs a package's tests with a server that they share, and returns the
// exit code for os.Exit.
func Main(m *testing.M) int {
	if os.Getenv(Variable) != "" {
		return m.Run()
	}
	server, err := start()
	if err != nil {
		fmt.Fprintf(os.Stderr, "pgtest: %v\n", err)
		return 1
	}
	defer server.remove()
	if err := os.Setenv(Variable, server.URL("postgres")); err != nil {
		fmt.Fprintf(os.Stderr, "pgtest: %v\n", err)
		return 1
	}
	return m.Run()
}

// URL makes an empty database for this test alone, and returns its address.
func URL(t testing.TB) string {
	t.Helper()
	admin := os.Getenv(Variable)
	if admin == "" {
		t.Fatalf("no PostgreSQL: the package's TestMain must call pgtest.Main, or %s name a superuser's URL", Variable)
	}
	name := "test_" + strings.ToLower(rand.Text()[:16])
	Exec(t, admin, "CREATE DATABASE "+name)
	t.Cleanup(func() { Exec(t, admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	return WithDatabase(t, admin, name)
}

// WithDatabase returns the address with another database.
func WithDatabase(t testing.TB, address, database string) string {
	t.Helper()
	return edit(t, address, func(u *url.URL) { u.Path = "/" + database })
}

// WithHost returns the address of the same database on another server, or
// through another way.
func WithHost(t testing.TB, address, host string) string {
	t.Helper()
	return edit(t, address, func(u *url.URL) { u.Host = host })
}

// WithUser returns the address with another user and password.
func WithUser(t testing.TB, address, user, password string) string {
	t.Helper()
	return edit(t, address, func(u *url.URL) { u.User = url.UserPassword(user, password) })
}

func edit(t testing.TB, address string, change func(*url.URL)) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatalf("read the address of a test database: %v", err)
	}
	change(u)
	return u.String()
}

// Connect opens a connection of its own, which the end of the test closes.
func Connect(t testing.TB, address string) *pgx.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatalf("connect to the test database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = conn.Close(ctx) // the server may have closed it: some tests ask for that
	})
	return conn
}

// Exec runs one statement on a connection of its own.
func Exec(t testing.TB, address, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatalf("connect to the test database: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
