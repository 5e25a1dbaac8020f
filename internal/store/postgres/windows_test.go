package postgres_test

import (
	"testing"

	"github.com/stranglerfig/strangler/internal/store/pgtest"
	"github.com/stranglerfig/strangler/internal/store/storetest"
)

func BenchmarkWindows(b *testing.B) {
	storetest.BenchmarkWindows(b, storetest.Backend{URL: pgtest.URL, DB: raw})
}
