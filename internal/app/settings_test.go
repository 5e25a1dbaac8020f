package app_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/stranglerfig/strangler/internal/app"
)

// resolved gives serve's settings for a command line, an environment and a config file.
func resolved(t *testing.T, args, env []string, file string) (app.Config, error) {
	t.Helper()
	var config app.Config
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.BindServe(fs)
	fs.String("config", "", "")
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	path := ""
	if file != "" {
		path = filepath.Join(t.TempDir(), "strangler.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return config, app.Resolve(fs, app.Environ(env), path)
}

func TestFlagBeatsEnvironmentBeatsFileBeatsDefault(t *testing.T) {
	file := "listen: :1111\nadmin: 127.0.0.1:2222\ndrain_delay: 7s\ntrusted_proxies: [10.0.0.0/8, 192.0.2.1]\n"
	env := []string{"STRANGLER_LISTEN=:3333", "STRANGLER_ADMIN=127.0.0.1:4444", "STRANGLER_ADMIN=127.0.0.1:4445"}
	config, err := resolved(t, []string{"--listen", ":5555"}, env, file)
	if err != nil {
		t.Fatal(err)
	}
	if config.Listen != ":5555" || config.Admin != "127.0.0.1:4445" || config.DrainDelay != 7*time.Second || config.DrainTimeout != 30*time.Second {
		t.Errorf("listen %s, admin %s, delay %s, timeout %s", config.Listen, config.Admin, config.DrainDelay, config.DrainTimeout)
	}
	if strings.Join(config.TrustedProxies, " ") != "10.0.0.0/8 192.0.2.1" {
		t.Errorf("trusted proxies %q", config.TrustedProxies)
	}
}

func TestBadSettingsAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		env  []string
		file string
		want []string // all in the message
	}{
		"unknown key":     {nil, "listen: :1\nlisten_at: :2\n", []string{"strangler.yaml:2:1", "listen_at"}},
		"wrong type":      {nil, "drain_delay: soon\n", []string{"strangler.yaml:1:1", "drain_delay", "soon"}},
		"not a mapping":   {nil, "- listen\n", []string{"strangler.yaml"}},
		"nested":          {nil, "listen: {a: b}\n", []string{"strangler.yaml:1:1", "listen"}},
		"broken YAML":     {nil, "database: postgres://u:hunter2@h/d\nlisten: [\n", []string{"strangler.yaml:2:"}},
		"bad environment": {[]string{"STRANGLER_DRAIN_DELAY=soon"}, "", []string{`STRANGLER_DRAIN_DELAY: "soon" is no duration: write it with its unit`}},
		"bare number":     {nil, "drain_delay: 5\n", []string{`strangler.yaml:1:1: drain_delay: "5" is no duration`}},
		"bad toggle":      {[]string{"STRANGLER_ADMIN_INSECURE=perhaps"}, "", []string{`STRANGLER_ADMIN_INSECURE: "perhaps" is neither on nor off: write true or false`}},
	} {
		_, err := resolved(t, nil, c.env, c.file)
		if !errors.Is(err, app.ErrConfig) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q does not name %s", name, err, part)
			}
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the message shows the password: %q", name, err)
		}
	}
}

func TestAConfigFileThatIsMissing(t *testing.T) {
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	path := filepath.Join(t.TempDir(), "strangler.yaml")
	err := app.Resolve(fs, app.Environ(nil), path)
	if !errors.Is(err, app.ErrConfig) || !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, part := range []string{path, "--config", "STRANGLER_CONFIG"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %s", err, part)
		}
	}
}

func TestRefusedConfigurations(t *testing.T) {
	busy := occupiedPort(t)
	readOnly := filepath.Join(t.TempDir(), "missing", "strangler.db")
	for name, c := range map[string]struct {
		change func(*app.Config)
		want   []string
	}{
		"admin on the network":      {func(c *app.Config) { c.Admin = "0.0.0.0:0" }, []string{"--admin", "0.0.0.0:0", "--admin-insecure"}},
		"admin on every interface":  {func(c *app.Config) { c.Admin = ":0" }, []string{"--admin", "--admin-tls-cert"}},
		"admin without a port":      {func(c *app.Config) { c.Admin = "127.0.0.1" }, []string{"--admin", "host:port"}},
		"ACME and files":            {func(c *app.Config) { c.ACMEHosts, c.TLSCert, c.TLSKey = []string{"shop.example"}, "c.pem", "k.pem" }, []string{"--acme-host shop.example", "--tls-cert c.pem"}},
		"ACME for an address":       {func(c *app.Config) { c.ACMEHosts = []string{"192.0.2.1"} }, []string{"--acme-host", "192.0.2.1", "address"}},
		"ACME for a pattern":        {func(c *app.Config) { c.ACMEHosts = []string{"*.shop.example"} }, []string{"--acme-host", "*.shop.example"}},
		"ACME for a port":           {func(c *app.Config) { c.ACMEHosts = []string{"shop.example:443"} }, []string{"--acme-host", "shop.example:443"}},
		"ACME for half a name":      {func(c *app.Config) { c.ACMEHosts = []string{"shop"} }, []string{"--acme-host", `"shop"`}},
		"ACME for nobody":           {func(c *app.Config) { c.ACMEDirectory = "https://acme.example/d" }, []string{"--acme-directory", "--acme-host"}},
		"ACME without TLS":          {func(c *app.Config) { c.ACMEHosts, c.ACMEDirectory = []string{"shop.example"}, "http://acme.example/d" }, []string{"--acme-directory", "https://"}},
		"ACME directory":            {func(c *app.Config) { c.ACMEHosts, c.ACMEDirectory = []string{"shop.example"}, "acme.example" }, []string{"--acme-directory", `"acme.example"`}},
		"half a certificate":        {func(c *app.Config) { c.TLSCert = "cert.pem" }, []string{"--tls-cert", "--tls-key"}},
		"a certificate that is not": {func(c *app.Config) { c.TLSCert, c.TLSKey = "no.pem", "no.key" }, []string{"--tls-cert", "no.pem"}},
		"trusted nonsense":          {func(c *app.Config) { c.TrustedProxies = []string{"10.0.0.0/40"} }, []string{"--trusted-proxies", "10.0.0.0/40"}},
		"PROXY headers of nobody":   {func(c *app.Config) { c.ProxyProtocol = true }, []string{"--proxy-protocol", "--trusted-proxies 10.0.0.7"}},
		"relative health path":      {func(c *app.Config) { c.HealthPath = "up" }, []string{"--health-path", "up"}},
		"negative shadow memory":    {func(c *app.Config) { c.ShadowMemory = -1 }, []string{"--shadow-memory", `"-1"`, "0 to 65536"}},
		"too much shadow memory":    {func(c *app.Config) { c.ShadowMemory = 1 << 20 }, []string{"--shadow-memory", `"1048576"`}},
		"negative drain":            {func(c *app.Config) { c.DrainDelay = -time.Second }, []string{"--drain-delay", "-1s"}},
		"hand-over of a file":       {func(c *app.Config) { c.ReusePort = true }, []string{"--reuse-port", "sqlite:", "PostgreSQL", "strangler.socket"}},
		"link that runs something":  {func(c *app.Config) { c.LinkURL = "javascript:alert(1)" }, []string{"--link-url", "https://"}},
		"port in use":               {func(c *app.Config) { c.Listen = busy }, []string{"--listen", busy, "address already in use"}},
		"admin port in use":         {func(c *app.Config) { c.Admin = busy }, []string{"--admin", busy}},
		"legacy is no URL":          {func(c *app.Config) { c.Legacy = "monolith" }, []string{"--legacy", "monolith"}},
		"legacy is a file":          {func(c *app.Config) { c.Legacy = "file://localhost/etc/passwd" }, []string{"--legacy", "file"}},
		"legacy with a password":    {func(c *app.Config) { c.Legacy = "http://u:hunter2@h" }, []string{"--legacy"}},
		"legacy is metadata":        {func(c *app.Config) { c.Legacy = "http://169.254.169.254" }, []string{"169.254.169.254"}},
		"unknown database":          {func(c *app.Config) { c.Database = "mysql://u:hunter2@h/d" }, []string{"mysql"}},
		"database typo":             {func(c *app.Config) { c.Database = "postgress://u:hunter2@h/d" }, []string{"postgress"}},
		"no folder for the file":    {func(c *app.Config) { c.Database = "sqlite:" + readOnly }, []string{filepath.Dir(readOnly)}},
	} {
		config := app.Config{
			Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", AccessLog: "off", Database: "sqlite:" + filepath.Join(t.TempDir(), "s.db"),
		}
		c.change(&config)
		router, err := app.NewRouter(t.Context(), config, quiet())
		if err == nil {
			t.Errorf("%s was accepted", name)
			stop(t, router)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q does not name %s", name, err, part)
			}
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the message shows the password: %q", name, err)
		}
	}
}
