package app_test

import (
	"database/sql"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stranglerfig/strangler/internal/app"
)

// Whoever was denied is in the history, even of a router that stops at once.
func TestDeniedLogInsAreInTheHistoryAfterTheEnd(t *testing.T) {
	legacy, path := monolith(t), filepath.Join(t.TempDir(), "s.db")
	r := run(t, func(c *app.Config) { c.Legacy, c.Database = legacy, "sqlite:"+path }, quiet())
	for range 3 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.AdminAddr().String()+"/api/v1/routes", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer hunter2")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusUnauthorized {
			t.Fatal(res.Status)
		}
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var events int
	err = db.QueryRowContext(t.Context(), "SELECT count(*) FROM events WHERE verb = 'login_denied' AND subject = '127.0.0.1' AND reason LIKE '3 denied; %'").Scan(&events)
	if err != nil || events != 1 {
		t.Errorf("%d events, %v; want one for all three", events, err)
	}
}
