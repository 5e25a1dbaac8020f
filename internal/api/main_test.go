package api_test

import (
	"os"
	"testing"

	"github.com/stranglerfig/strangler/internal/store/pgtest"
)

func TestMain(m *testing.M) {
	os.Exit(pgtest.Main(m))
}
