// Package test_test tries the whole product as its users do: real processes of
// both programs, PostgreSQL, nginx as the monolith, a small application as the
// new side, and clients that ask all the while. One test tells one story.
//
// Nothing here looks inside: what a test knows it has from stdout, stderr, exit
// codes, HTTP and the access log.
package test_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stranglerfig/strangler/internal/store/pgtest"
)

// root is the folder of the project, seen from this one.
const root = ".."

// programs is the folder of both programs, which TestMain builds.
var programs string

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	folder, err := os.MkdirTemp("", "strangler-test-")
	if err == nil {
		defer func() { _ = os.RemoveAll(folder) }()
		err = build(folder)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "build the programs: %v\n", err)
		return 1
	}
	programs = folder
	return pgtest.Main(m)
}

// build builds both programs; with the race detector when the tests have it.
func build(folder string) error {
	// Another user must be able to run them: see the test of a read-only folder.
	if err := os.Chmod(folder, 0o755); err != nil {
		return err
	}
	args := []string{"build", "-buildvcs=false", "-o", folder + string(filepath.Separator)}
	if raceEnabled {
		args = append(args, "-race")
	}
	command := exec.Command("go", append(args, "./cmd/strangler", "./cmd/stranglerctl")...)
	command.Dir = root
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, said)
	}
	return nil
}
