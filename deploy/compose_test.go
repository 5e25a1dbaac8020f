// Package deploy_test holds the deployment files to what they promise.
package deploy_test

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/stranglerfig/strangler/internal/spec"
)

const composeFile = "../docker-compose.yml"

// compose is what the tests need of docker-compose.yml.
type compose struct {
	Services map[string]service
	Volumes  map[string]any
}

type service struct {
	Image       string
	Command     []string
	Profiles    []string
	Environment map[string]string
	Ports       []string
	Volumes     []string
	Healthcheck struct {
		Test    []string
		Disable bool
	}
	DependsOn map[string]struct{ Condition string } `yaml:"depends_on"`
}

func readCompose(t *testing.T) compose {
	t.Helper()
	text, err := os.ReadFile(composeFile)
	if err != nil {
		t.Fatal(err)
	}
	var c compose
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// dockerCompose returns the command that is installed here, as a plug-in or a program.
func dockerCompose(t *testing.T) []string {
	t.Helper()
	if path, err := exec.LookPath("docker-compose"); err == nil {
		return []string{path}
	}
	if path, err := exec.LookPath("docker"); err == nil && exec.CommandContext(t.Context(), path, "compose", "version").Run() == nil {
		return []string{path, "compose"}
	}
	t.Skip("docker-compose is not installed here; the file is validated where it is")
	return nil
}

// config runs `docker-compose config` with these variables set.
func config(t *testing.T, env ...string) (said string, err error) {
	t.Helper()
	// Neither the developer's .env nor their shell may decide what this finds.
	empty := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	command := append(dockerCompose(t), "-f", composeFile, "--env-file", empty, "config", "--quiet")
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestComposeAcceptsTheFile(t *testing.T) {
	if said, err := config(t, "POSTGRES_PASSWORD=p", "STRANGLER_ADMIN_TOKEN=t"); err != nil {
		t.Errorf("%v: %s", err, said)
	}
}

func TestComposeRefusesToStartWithoutSecrets(t *testing.T) {
	for _, env := range []string{"POSTGRES_PASSWORD=p", "STRANGLER_ADMIN_TOKEN=t"} {
		said, err := config(t, env)
		if err == nil || !strings.Contains(said, ".env.example") {
			t.Errorf("with %s alone: %v, said %q; want a refusal that names .env.example", env, err, said)
		}
	}
}

func TestEveryServiceThatStaysHasAHealthCheck(t *testing.T) {
	for name, s := range readCompose(t).Services {
		if len(s.Profiles) == 0 && len(s.Healthcheck.Test) == 0 {
			t.Errorf("service %s has no health check", name)
		}
	}
}

func TestTwoRoutersShareOneDatabaseAndDifferInName(t *testing.T) {
	c := readCompose(t)
	a, b := c.Services["router-a"], c.Services["router-b"]
	if a.Environment["STRANGLER_DATABASE"] == "" || a.Environment["STRANGLER_DATABASE"] != b.Environment["STRANGLER_DATABASE"] {
		t.Errorf("databases are %q and %q", a.Environment["STRANGLER_DATABASE"], b.Environment["STRANGLER_DATABASE"])
	}
	if a.Environment["STRANGLER_INSTANCE"] == b.Environment["STRANGLER_INSTANCE"] {
		t.Errorf("both instances are called %q", a.Environment["STRANGLER_INSTANCE"])
	}
	for name, router := range map[string]service{"router-a": a, "router-b": b} {
		if got := router.DependsOn["postgres"].Condition; got != "service_healthy" {
			t.Errorf("%s waits for postgres to be %q, want service_healthy", name, got)
		}
	}
}

func TestPortsAreOnLoopback(t *testing.T) {
	for name, s := range readCompose(t).Services {
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("service %s publishes %s beyond this machine", name, port)
			}
		}
	}
}

func TestSecretsComeFromTheEnvironment(t *testing.T) {
	for name, s := range readCompose(t).Services {
		for _, key := range []string{"POSTGRES_PASSWORD", "STRANGLER_ADMIN_TOKEN", "STRANGLER_TOKEN"} {
			if value, ok := s.Environment[key]; ok && !strings.HasPrefix(value, "${") {
				t.Errorf("service %s: %s is written down", name, key)
			}
		}
	}
}

func TestTheDatabaseIsOnANamedVolume(t *testing.T) {
	c := readCompose(t)
	volume, _, _ := strings.Cut(strings.Join(c.Services["postgres"].Volumes, ""), ":")
	if _, ok := c.Volumes[volume]; !ok {
		t.Errorf("postgres stores on %q, which is no named volume", volume)
	}
}

func TestTheDefinitionsNameServicesOfTheFile(t *testing.T) {
	const file = "compose/definitions.yaml"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	defs, source, err := spec.ParseYAML(file, text)
	if err != nil {
		t.Fatal(err)
	}
	if problems := spec.Validate(defs, source); problems != nil {
		t.Fatal(problems)
	}
	services := readCompose(t).Services
	for _, backend := range defs.Backends {
		for _, endpoint := range backend.Endpoints {
			u, err := url.Parse(endpoint)
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := services[u.Hostname()]; !ok {
				t.Errorf("backend %s is at %s, which is no service", backend.Name, endpoint)
			}
			if command := strings.Join(services[u.Hostname()].Command, " "); !strings.HasSuffix(command, ":"+u.Port()) {
				t.Errorf("backend %s is at %s, but the service runs %q", backend.Name, endpoint, command)
			}
		}
	}
}
