package migrations_test

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/migrations"
)

func names(t *testing.T, files fs.FS, err error) []string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	found, err := fs.Glob(files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestEveryMigrationHasItsPairInBothDatabases(t *testing.T) {
	files, err := migrations.Postgres()
	postgres := names(t, files, err)
	files, err = migrations.SQLite()
	sqlite := names(t, files, err)
	if !slices.Equal(postgres, sqlite) {
		t.Errorf("the databases differ in their migrations:\n%v\n%v", postgres, sqlite)
	}
	ups := 0
	for _, name := range postgres {
		up, is := strings.CutSuffix(name, ".up.sql")
		if !is {
			continue
		}
		ups++
		if !slices.Contains(postgres, up+".down.sql") {
			t.Errorf("%s has no way down", name)
		}
	}
	if ups == 0 || len(postgres) != 2*ups {
		t.Errorf("%d files for %d migrations, want two each", len(postgres), ups)
	}
}
