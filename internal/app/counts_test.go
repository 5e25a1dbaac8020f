package app_test

import (
	"database/sql"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/app"
)

// A router that is stopped before its first regular flush has told the store
// what it served all the same.
func TestWhatWasServedIsInTheStoreAfterTheEnd(t *testing.T) {
	legacy, path := monolith(t), filepath.Join(t.TempDir(), "s.db")
	r := run(t, func(c *app.Config) {
		c.Legacy, c.Database, c.Instance = legacy, "sqlite:"+path, "router-1"
	}, quiet())
	r.get(t, "/ready")
	for range 3 {
		res, err := http.Post("http://"+r.DataAddr().String()+"/orders", "text/plain", strings.NewReader("one"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var requests, unsafe int
	err = db.QueryRowContext(t.Context(), "SELECT SUM(requests), SUM(unsafe) FROM lane_counts WHERE side = 'legacy' AND instance = 'router-1'").
		Scan(&requests, &unsafe)
	if err != nil || requests != 4 || unsafe != 3 {
		t.Errorf("%d requests, %d of them unsafe, %v; want 4 and 3", requests, unsafe, err)
	}
}
