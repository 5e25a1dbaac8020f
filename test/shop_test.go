package test_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/routing"
)

// salt is fixed, so that who is on which side is the same in every run.
const salt = "5f1c8a70e2b94d3687a1c5e0f4923b6d"

// definitions move orders alone; /slow and /ws are there for the drain.
const definitions = `
backends:
  - {name: monolith, endpoints: ["%s"]}
  - {name: orders, endpoints: ["%s"]}
groups:
  - {name: shop, keys: [{header: X-User-Id}, mint], salt: %s}
routes:
  - {name: orders, match: {path: "/orders/{id:[0-9]+}"}, legacy: monolith, new: orders, group: shop}
  - {name: pages, match: {prefix: /}, legacy: monolith}
  - {name: slow, match: {path: /slow}, legacy: orders}
  - {name: ws, match: {path: /ws}, legacy: orders}
`

// shop is what most stories play in: two routers on one PostgreSQL, nginx as
// the monolith, and the new application.
type shop struct {
	t        *testing.T
	app      *newApp
	database string
	a, b     *router
	ctl      ctl // of a, as ana
}

// openShop opens the shop; flags are for both routers.
func openShop(t *testing.T, database string, flags ...string) *shop {
	t.Helper()
	s := &shop{t: t, app: startNewApp(t), database: database}
	monolith := startMonolith(t)
	token := createToken(t, database)
	flags = append([]string{"--database", database}, flags...)
	s.a, s.b = serve(t, "a", nil, flags...), serve(t, "b", nil, flags...)
	s.ctl = s.a.ctl(token)
	file := filepath.Join(t.TempDir(), "definitions.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, definitions, monolith, s.app.URL, salt), 0o600); err != nil {
		t.Fatal(err)
	}
	s.ctl.must("apply", "-f", file, "--wait", "--reason", "first definitions")
	return s
}

// createToken makes a token for ana, who may do everything.
func createToken(t *testing.T, database string) string {
	t.Helper()
	p := launch(t, command(t, "strangler", "token", "create", "--name", "ana", "--role", "admin", "--database", database))
	if code := p.wait(); code != 0 {
		t.Fatalf("strangler token create: exit code %d\n%s", code, p.stderr)
	}
	return strings.TrimSpace(p.stdout.String())
}

func (s *shop) routers() []*router { return []*router{s.a, s.b} }

// expected is the side of a user at a weight.
func expected(user string, weight int) string {
	if routing.Point(salt, user) < weight {
		return "new"
	}
	return "legacy"
}
