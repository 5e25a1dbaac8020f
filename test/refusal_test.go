package test_test

import (
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stranglerfig/strangler/internal/store/pgtest"
)

// adminToken is the token of routers that need no named one.
const adminToken = "STRANGLER_ADMIN_TOKEN=letmein"

// refusesToStart runs `strangler serve`, which has to end by itself with exit
// code 1, and returns what it said. Every part has to be in that.
func refusesToStart(t *testing.T, c *exec.Cmd, parts ...string) string {
	t.Helper()
	p := launch(t, c)
	if code := p.wait(); code != 1 {
		t.Errorf("%s: exit code %d, want 1", c, code)
	}
	said := p.stderr.String()
	last := strings.LastIndex(said, "strangler: ")
	if last < 0 {
		t.Fatalf("%s says %q, without an error at the end", c, said)
	}
	for _, part := range parts {
		if !strings.Contains(said[last:], part) {
			t.Errorf("%s says %q, want %q in it", c, said[last:], part)
		}
	}
	return said
}

// serving prepares `strangler serve` on free ports, with a store of its own
// unless args name another.
func serving(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	folder := t.TempDir()
	return command(t, "strangler", append([]string{
		"serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--access-log", "off",
		"--database", "sqlite:" + filepath.Join(folder, "strangler.db"), "--state-dir", folder,
	}, args...)...)
}

func TestAPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	for _, flag := range []string{"--listen", "--admin"} {
		refusesToStart(t, serving(t, flag, address), flag+" "+address, "address already in use")
	}
}

func TestASecondRouterOnOneSQLiteFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "strangler.db")
	first := serve(t, "first", []string{adminToken}, "--database", "sqlite:"+file)
	refusesToStart(t, serving(t, "--database", "sqlite:"+file), file, "another router", "PostgreSQL")
	if !first.ready() {
		t.Error("the first router is no longer ready")
	}
}

func TestAReadOnlyFolder(t *testing.T) {
	folder := readOnlyFolder(t)
	file := filepath.Join(folder, "strangler.db")
	c := serving(t, "--database", "sqlite:"+file)
	asNobody(t, c)
	refusesToStart(t, c, file, "permission denied", "give this user the right to write")
}

// readOnlyFolder is a folder that everybody may read and nobody but root write.
func readOnlyFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for path, mode := range map[string]os.FileMode{filepath.Dir(folder): 0o755, folder: 0o555} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// asNobody lets a command run as nobody, for root may write everywhere.
func asNobody(t *testing.T, c *exec.Cmd) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, uidErr := strconv.ParseUint(nobody.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(nobody.Gid, 10, 32)
	if uidErr != nil || gidErr != nil {
		t.Fatalf("nobody is %+v", nobody)
	}
	c.Dir = "/"
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

func TestADatabaseURLWithATypoIsSaidWithoutItsPassword(t *testing.T) {
	const secret = "hunter2"
	for _, url := range []string{
		"postgers://ana:" + secret + "@127.0.0.1/strangler",
		"postgres//ana:" + secret + "@127.0.0.1/strangler",
		"postgres:/ana:" + secret + "@127.0.0.1/strangler",
		"postgres://ana:" + secret + "@127.0.0.1:54x2/strangler",
		"postgres://ana:" + secret + "/3@127.0.0.1/strangler",
		"postgres://ana:" + secret + "@3@127.0.0.1/strangler",
		"postgres://ana:" + secret + "%zz@127.0.0.1/strangler",
		"postgres://ana:" + secret + "@127.0.0.1/strangler?sslmode=sometimes",
		"ana:" + secret + "@127.0.0.1/strangler",
	} {
		said := refusesToStart(t, serving(t, "--database", url), "the database URL cannot be used")
		if strings.Contains(said, secret) {
			t.Errorf("%s: the password is printed: %s", url, said)
		}
	}
}

func TestAnAdminListenerForEverybody(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0"} {
		refusesToStart(t, serving(t, "--admin", address), `--admin "`+address+`"`, "--admin-tls-cert", "--admin-insecure")
	}
}

func TestANewerSchemaIsServedAndNotMigrated(t *testing.T) {
	database := pgtest.URL(t)
	createToken(t, database) // migrates
	status := func() string {
		p := launch(t, command(t, "strangler", "migrate", "status", "--database", database))
		if code := p.wait(); code != 0 {
			t.Fatalf("migrate status: exit code %d: %s", code, p.stderr)
		}
		return p.stdout.String()
	}
	pgtest.Exec(t, database, "UPDATE strangler_migrations SET version = version + 1")
	newer := status()
	if !strings.Contains(newer, "newer than this program, which serves it and does not migrate it") {
		t.Errorf("migrate status says %q", newer)
	}
	r := serve(t, "a", nil, "--database", database, "--legacy", startMonolith(t))
	eventually(t, "a fresh store is seeded", func() bool { return strings.Contains(r.stderr.String(), "empty store seeded") })
	if !strings.Contains(r.stderr.String(), "the schema is newer than this program: it is served, not migrated") {
		t.Error("the router does not say that the schema is newer")
	}
	if now := status(); now != newer {
		t.Errorf("the schema was changed: %q, then %q", newer, now)
	}
}

func TestADirtySchemaIsExplained(t *testing.T) {
	database := pgtest.URL(t)
	createToken(t, database)
	pgtest.Exec(t, database, "UPDATE strangler_migrations SET dirty = true")
	said := refusesToStart(t, serving(t, "--database", database), "the schema is dirty", "Nothing was changed now",
		"UPDATE strangler_migrations SET dirty = false", "strangler migrate up")
	if password := strings.Split(strings.Split(database, "@")[0], ":")[2]; strings.Contains(said, password) {
		t.Errorf("the password is printed: %s", said)
	}
}
