package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

func TestWhatIsExportedMakesTheSameRouterElsewhere(t *testing.T) {
	_, from := ruledRouter(t)
	exported := mustInvoke(t, from, "export")
	if salts := regexp.MustCompile(`salt: "?[0-9a-f]{32}`).FindAllString(exported, -1); len(salts) != 2 {
		t.Fatalf("want the salts of the group and of the route without one, got %q in\n%s", salts, exported)
	}
	file := filepath.Join(t.TempDir(), "exported.yaml")
	if err := os.WriteFile(file, []byte(exported), 0o600); err != nil {
		t.Fatal(err)
	}

	to := routerFor(t)
	mustInvoke(t, to, "apply", "-f", file)
	if again := mustInvoke(t, to, "export"); again != exported {
		t.Errorf("exported from the one router:\n%s\nfrom the other:\n%s", exported, again)
	}
	for name, env := range map[string]map[string]string{"the one": from, "the other": to} {
		if code, stdout, stderr := invoke(t, env, "apply", "-f", file, "--dry-run", "--exit-code"); code != exitOK {
			t.Errorf("%s differs from what was exported: exit code %d, %s%s", name, code, stdout, stderr)
		}
	}
	if stage := mustInvoke(t, to, "status", "orders"); !regexp.MustCompile(`^orders  legacy\n`).MatchString(stage) {
		t.Errorf("what was applied moved traffic: %s", stage)
	}
}
