package test_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// TestIdleConnectionsSurviveAHundredTables changes the table while everybody
// idles. Then each connection serves once more, and each WebSocket echoes.
func TestIdleConnectionsSurviveAHundredTables(t *testing.T) {
	connections, sockets := idlers, 500
	if raceEnabled || testing.Short() {
		connections, sockets = 500, 50
	}
	const token, tables = "idle", 100
	app := startNewApp(t)
	r := serve(t, "a", []string{"STRANGLER_ADMIN_TOKEN=" + token}, "--database", "sqlite:"+filepath.Join(t.TempDir(), "s.db"))
	file := filepath.Join(t.TempDir(), "definitions.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, definitions, app.URL, app.URL, salt), 0o600); err != nil {
		t.Fatal(err)
	}
	r.ctl(token).must("apply", "-f", file, "--wait")
	goroutines, empty := r.goroutines(token), r.settled()

	idle := openAll(t, connections, func() (idler, error) { return openPlain(r.data) })
	quiet := r.settled()
	open := make([]socket, sockets)
	for i := range open {
		open[i] = openSocket(t, r.data)
	}
	full := r.settled()
	api := r.api(token)
	for i := range tables - 1 {
		if api.promote(t.Context(), "orders", strconv.Itoa(1+i)) == 0 {
			t.FailNow()
		}
	}
	r.ctl(token).must("promote", "orders", "--to", "50", "--wait")

	each(t, idle, func(i int) error { return idle[i].ask() })
	for _, s := range open {
		s.says("after a hundred tables")
	}
	served := r.settled()
	for _, i := range idle {
		_ = i.Close()
	}
	for _, s := range open {
		_ = s.conn.CloseNow()
	}
	eventually(t, "the goroutines of closed connections end", func() bool { return r.goroutines(token) <= goroutines+10 })
	t.Logf("RSS in MiB: %d before, %d with %d idle connections, %d with %d WebSockets more, %d after %d tables and serving again",
		empty/mib, quiet/mib, connections, full/mib, sockets, served/mib, tables)
	if connections < idlers || raceEnabled {
		return // too few to tell
	}
	eventually(t, "the memory of closed connections is given back", func() bool {
		_ = r.goroutines(token) // makes a little garbage: without any there is no reason to collect
		return r.memory("VmRSS") < (empty+full)/2
	})
	t.Logf("%d MiB when all have closed", r.memory("VmRSS")/mib)
}
