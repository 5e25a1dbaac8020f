package app

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/spoken"
)

// Config is what `strangler serve` can be told. The text of each flag is its
// manual; what a field's comment adds is for docs/configuration.md, whose
// tables scripts/settings makes of both.
type Config struct {
	Listen         string
	ReusePort      bool
	TLSCert        string
	TLSKey         string
	ACMEHosts      []string
	ACMEDirectory  string
	HealthPath     string
	TrustedProxies []string // So is X-Real-IP of theirs.
	ProxyProtocol  bool

	Admin         string
	AdminTLSCert  string
	AdminTLSKey   string
	AdminInsecure bool
	AdminHosts    []string // Loopback names and its own address always work.

	Database       string
	DatabaseListen string // Without it LISTEN goes where --database does.
	StateDir       string
	Instance       string // No two routers of a fleet share one.
	Legacy         string // Where the store already says something else, the difference is logged and not applied.

	ShadowMemory int // Beyond it requests are served and not compared, and counted as skipped: memory.

	DrainDelay   time.Duration
	DrainTimeout time.Duration
	AccessLog    string
	OTLPEndpoint string // `/v1/traces` is added to it. OpenTelemetry's own `OTEL_EXPORTER_OTLP_…` hold as well; this one wins.
	TraceSample  string // A request that belongs to a trace already is sampled as its caller says.

	LinkURL string // Without it they bear no links. Name what people read there: a dashboard, a board of graphs, a runbook.

	StandardOTLP string // as StandardOTLP reads it from the environment

	// Only from the environment: a flag could be read by others on the machine.
	AdminToken    string
	OverrideKeys  string // as auth.ParseOverrideKeys reads them
	RedactionKeys string // as auth.ParseRedactionKeys reads them
}

// BindServe declares every flag of serve on fs, with its default.
func (c *Config) BindServe(fs *pflag.FlagSet) {
	fs.StringVar(&c.Listen, "listen", ":8080", "`address` of the data listener: what clients reach")
	fs.BoolVar(&c.ReusePort, "reuse-port", false, "take both listeners over from a router that is running, once this one is ready (Linux, PostgreSQL)")
	fs.StringVar(&c.TLSCert, "tls-cert", "", "certificate `file`: speak TLS to clients (with --tls-key)")
	fs.StringVar(&c.TLSKey, "tls-key", "", "key `file` of --tls-cert")
	fs.StringSliceVar(&c.ACMEHosts, "acme-host", nil, "speak TLS to clients with certificates for these `names`, asked for by ACME; giving it accepts the authority's terms")
	fs.StringVar(&c.ACMEDirectory, "acme-directory", "", "`URL` of the authority's directory for --acme-host (default Let's Encrypt's)")
	fs.StringVar(&c.HealthPath, "health-path", "", "`path` answered on the data listener for a load balancer: 200 while ready, else 503")
	fs.StringSliceVar(&c.TrustedProxies, "trusted-proxies", nil, "comma-separated `networks` of peers whose X-Forwarded-* and Forwarded are believed")
	fs.BoolVar(&c.ProxyProtocol, "proxy-protocol", false, "connections come from --trusted-proxies alone, and begin with a PROXY header (version 1 or 2) that names the client")

	fs.StringVar(&c.Admin, "admin", "127.0.0.1:9900", "`address` of the admin listener: API, probes, metrics")
	fs.StringVar(&c.AdminTLSCert, "admin-tls-cert", "", "certificate `file` of the admin listener (with --admin-tls-key)")
	fs.StringVar(&c.AdminTLSKey, "admin-tls-key", "", "key `file` of --admin-tls-cert")
	fs.BoolVar(&c.AdminInsecure, "admin-insecure", false, "allow an admin listener beyond loopback without TLS")
	fs.StringSliceVar(&c.AdminHosts, "admin-host", nil, "further host `names` under which the admin API answers")

	fs.StringVar(&c.AccessLog, "access-log", "-", "`file` for one JSON line per exchange; - is standard output, off is none")
	fs.StringVar(&c.OTLPEndpoint, "otlp-endpoint", "", "`URL` of a collector that takes traces by OTLP over HTTP; without one there are none")
	fs.StringVar(&c.LinkURL, "link-url", "", "`URL` that notifications link to, where people look at a route; {route} in it stands for the route's name")
	fs.StringVar(&c.TraceSample, "trace-sample", "100%", "`share` of the traces beginning here that is sampled")
	fs.IntVar(&c.ShadowMemory, "shadow-memory", shadow.DefaultBudget>>20, "`MiB` that all copies for shadow requests may take together; 0 compares nothing")
	fs.DurationVar(&c.DrainDelay, "drain-delay", 5*time.Second, "between \"not ready\" and closing the listener, so that a load balancer can look away; skipped on Ctrl-C")
	fs.DurationVar(&c.DrainTimeout, "drain-timeout", 30*time.Second, "how long exchanges under way may take after that")
	fs.StringVar(&c.Legacy, "legacy", "", "`URL` of the monolith: seeds an empty store with backend legacy and a catch-all route to it")
	fs.StringVar(&c.StateDir, "state-dir", "", "`folder` of the snapshot file (default <sqlite file>.state, or a folder under $XDG_STATE_HOME)")
	fs.StringVar(&c.Instance, "instance", "", "this router's `name` in the fleet (default hostname:port)")
	fs.StringVar(&c.DatabaseListen, "database-listen", "", "direct `URL` for LISTEN where --database is a connection pooler")
	c.BindStore(fs)
}

// BindStore declares the flag that says where the store is.
func (c *Config) BindStore(fs *pflag.FlagSet) {
	fs.StringVar(&c.Database, "database", "sqlite:strangler.db", "`URL` of the store: sqlite:PATH for one router, postgres://… for a fleet")
}

// maxShadowMemory is 64 GiB, in MiB: more is a slip.
const maxShadowMemory = 64 << 10

// ErrConfig is wrapped by every error about a setting.
var ErrConfig = errors.New("configuration")

func badSetting(flag, value, why string) error {
	return fmt.Errorf("%w: --%s %q: %s", ErrConfig, flag, value, why)
}

// validate checks what can be checked before anything is opened.
func (c *Config) validate() error {
	for _, pair := range [...]struct{ name, cert, key string }{
		{"tls", c.TLSCert, c.TLSKey}, {"admin-tls", c.AdminTLSCert, c.AdminTLSKey},
	} {
		if (pair.cert == "") != (pair.key == "") {
			return fmt.Errorf("%w: --%s-cert and --%s-key go together: give both or neither", ErrConfig, pair.name, pair.name)
		}
	}
	if err := c.validateACME(); err != nil {
		return err
	}
	if err := c.validateReusePort(); err != nil {
		return err
	}
	if _, err := c.trusted(); err != nil {
		return err
	}
	if c.ProxyProtocol && len(c.TrustedProxies) == 0 {
		return fmt.Errorf("%w: --proxy-protocol without --trusted-proxies: nobody could connect; "+
			"name the load balancers that send the PROXY header, like --trusted-proxies 10.0.0.7", ErrConfig)
	}
	if c.HealthPath != "" && !strings.HasPrefix(c.HealthPath, "/") {
		return badSetting("health-path", c.HealthPath, "a path begins with /")
	}
	if err := c.validateTraces(); err != nil {
		return err
	}
	if err := c.validateLink(); err != nil {
		return err
	}
	if c.DrainDelay < 0 || c.DrainTimeout < 0 {
		return fmt.Errorf("%w: --drain-delay %s and --drain-timeout %s must not be negative", ErrConfig, spoken.Duration(c.DrainDelay), spoken.Duration(c.DrainTimeout))
	}
	if c.ShadowMemory < 0 || c.ShadowMemory > maxShadowMemory {
		return badSetting("shadow-memory", strconv.Itoa(c.ShadowMemory), fmt.Sprintf("write a number of MiB from 0 to %d", maxShadowMemory))
	}
	if c.Legacy != "" {
		if u, err := url.Parse(c.Legacy); err != nil || u.Host == "" {
			return badSetting("legacy", redactURL(c.Legacy), "write the monolith's URL, like http://127.0.0.1:3000")
		}
	}
	return c.validateAdmin()
}

// validateLink takes what a browser opens, and nothing that it would run.
func (c *Config) validateLink() error {
	if c.LinkURL == "" {
		return nil
	}
	if u, err := url.Parse(c.LinkURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return badSetting("link-url", c.LinkURL, "write where people look at a route, like https://graphs.example.com/d/routes?route={route}")
	}
	return nil
}

// redactURL keeps what may stand in an error of a URL that could not be read.
func redactURL(text string) string {
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		return "…" + text[i:]
	}
	return text
}

// validateAdmin keeps the admin API off the network unless that is meant.
func (c *Config) validateAdmin() error {
	host, _, err := net.SplitHostPort(c.Admin)
	if err != nil {
		return badSetting("admin", c.Admin, "write host:port, like 127.0.0.1:9900")
	}
	if c.AdminTLSCert != "" || c.AdminInsecure || host == "localhost" {
		return nil
	}
	if addr, err := netip.ParseAddr(host); err == nil && addr.IsLoopback() {
		return nil
	}
	return badSetting("admin", c.Admin, "the admin API would be reachable from the network without TLS; "+
		"give --admin-tls-cert and --admin-tls-key, listen on 127.0.0.1, or say --admin-insecure if something else protects it")
}

// trusted parses --trusted-proxies; a bare address is a network of one.
func (c *Config) trusted() ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, text := range c.TrustedProxies {
		if addr, err := netip.ParseAddr(text); err == nil {
			prefixes = append(prefixes, netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, badSetting("trusted-proxies", text, "write networks like 10.0.0.0/8 or addresses")
		}
		prefixes = append(prefixes, prefix.Masked())
	}
	return prefixes, nil
}

// instanceName is --instance, or the host's name with the data port. Routers
// that hand over to each other live side by side for a while, so their names
// tell the processes apart.
func (c *Config) instanceName(data net.Addr) string {
	if c.Instance != "" {
		return c.Instance
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	_, port, _ := net.SplitHostPort(data.String())
	name := host + ":" + port
	if c.ReusePort {
		name += "/" + strconv.Itoa(os.Getpid())
	}
	return name
}

// stateDir is --state-dir or its default.
func (c *Config) stateDir() (string, error) {
	if c.StateDir != "" {
		return c.StateDir, nil
	}
	if path, ok := strings.CutPrefix(c.Database, "sqlite:"); ok {
		return path + ".state", nil
	}
	base := os.Getenv("XDG_STATE_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("%w: no folder for the snapshot file: give --state-dir (%w)", ErrConfig, err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "strangler", strings.ReplaceAll(c.Listen, string(filepath.Separator), "_")), nil
}
