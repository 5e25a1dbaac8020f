package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/spf13/pflag"

	"github.com/stranglerfig/strangler/internal/app"
)

func TestTheSettingsOfThePackageAreSettings(t *testing.T) {
	var config app.Config
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.BindServe(flags)
	if err := app.Resolve(flags, app.Environ(nil), "deb/strangler.yaml"); err != nil {
		t.Fatal(err)
	}
	if config.Listen != ":8080" || config.Database != "sqlite:/var/lib/strangler/strangler.db" || config.Legacy != "" || config.AccessLog != "-" {
		t.Errorf("the package begins with %+v", config)
	}
	text, err := os.ReadFile("deb/strangler.yaml")
	if err != nil {
		t.Fatal(err)
	}
	withLegacy := filepath.Join(t.TempDir(), "strangler.yaml")
	if err := os.WriteFile(withLegacy, []byte(strings.Replace(string(text), "# legacy: ", "legacy: ", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	flags = pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.BindServe(flags)
	if err := app.Resolve(flags, app.Environ(nil), withLegacy); err != nil || config.Legacy != "http://127.0.0.1:3000" {
		t.Errorf("with the line about the monolith: legacy %q, %v", config.Legacy, err)
	}
}

// TestWhatThePackageNamesIsThere leaves out dist/deb, which scripts/deb fills
// and looks into itself.
func TestWhatThePackageNamesIsThere(t *testing.T) {
	text, err := os.ReadFile("deb/nfpm.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var packed struct {
		Contents []struct{ Src, Dst, Type string }
		Scripts  map[string]string
	}
	if err := yaml.Unmarshal(text, &packed); err != nil {
		t.Fatal(err)
	}
	if len(packed.Contents) < 10 || len(packed.Scripts) != 3 {
		t.Fatalf("read %+v", packed)
	}
	for _, content := range packed.Contents {
		if content.Src == "" || strings.HasPrefix(content.Src, "dist/deb/") {
			continue
		}
		if found, err := filepath.Glob(filepath.Join("..", content.Src)); err != nil || len(found) == 0 {
			t.Errorf("%s is not there: %v", content.Src, err)
		}
	}
	for _, script := range packed.Scripts {
		if said, err := exec.Command("sh", "-n", filepath.Join("..", script)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", script, err, said)
		}
	}
}
