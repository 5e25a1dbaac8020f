package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/stranglerfig/strangler/internal/store/storetest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func TestConformance(t *testing.T) {
	storetest.Run(t, storetest.Backend{URL: fresh, DB: raw, DayAgo: "seen_at - 25 * 3600 * 1000000"})
}

// fresh names a file that is not there yet; its path is hostile to URLs.
func fresh(t testing.TB) string {
	return "sqlite:" + filepath.Join(t.TempDir(), "a b?c=%41#d.db")
}

// raw opens the file behind the store's back.
func raw(t testing.TB, url string) *sql.DB {
	t.Helper()
	path := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(strings.TrimPrefix(url, "sqlite:"))
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func BenchmarkEvidence(b *testing.B) {
	storetest.BenchmarkEvidence(b, storetest.Backend{URL: fresh, DB: raw})
}

func BenchmarkDossiers(b *testing.B) {
	storetest.BenchmarkDossiers(b, storetest.Backend{URL: fresh, DB: raw})
}
