package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/notify"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/spec"
	"github.com/stranglerfig/strangler/internal/stats"
)

// Catalog is the store as reads need it; see fleet.Source.
type Catalog interface {
	Load(ctx context.Context, known *fleet.Snapshot) (*fleet.Snapshot, error)
	Instances(ctx context.Context) ([]fleet.Instance, error)
}

// Editor is the store as changes of definitions need it: decide gets what is
// there and returns what shall be, all within one transaction.
type Editor interface {
	Edit(ctx context.Context, edit spec.Edit, decide func(spec.Current) (spec.Definitions, error)) (spec.Edited, error)
}

// History is the store as the list of events needs it.
type History interface {
	Events(ctx context.Context, query rollout.EventQuery) ([]rollout.Event, error)
	VerifyEvents(ctx context.Context) (rollout.Verification, error)
	// Note writes an event about what changes no table.
	Note(ctx context.Context, event rollout.Event) error
}

// TokenStore is the store of tokens as their administration needs it; see auth.Tokens.
type TokenStore interface {
	ListTokens(ctx context.Context) ([]auth.Token, error)
	CreateToken(ctx context.Context, token auth.Token, actor string) error
	RevokeToken(ctx context.Context, id string, actor string) error
}

// Overrides is the store as the revocation of overrides needs it.
type Overrides interface {
	RevokeOverride(ctx context.Context, override fleet.RevokedOverride, actor string) error
}

// Controls is the store as faults, drains and resets need it.
type Controls interface {
	Control(ctx context.Context, control fleet.Control, decide func(fleet.Controlling) (fleet.Controls, error)) (fleet.Controlled, error)
}

// Signer has the keys of overrides; *auth.OverrideKeys is the one.
type Signer interface {
	Sign(route, side string, ttl time.Duration, now time.Time) (auth.Override, string, error)
	Verify(value string, now time.Time) (auth.Override, error)
	Rotate() error
	IDs() []string
}

// Counts is what the fleet served.
type Counts interface {
	// UnsafeServed is of the new side, since a moment, on all instances.
	UnsafeServed(ctx context.Context, route string, since time.Time) (uint64, error)
	// Traffic is in requests per second of the last whole minute, by instance.
	Traffic(ctx context.Context) (map[string]float64, error)
}

// Evidence is the store as those who look at differences need it; see shadow.Reader.
type Evidence interface {
	Evidence(ctx context.Context, query shadow.Query) ([]shadow.Evidence, error)
	Exemplar(ctx context.Context, id string) (shadow.Exemplar, error)
	Exemplars(ctx context.Context, ids []string) ([]shadow.Exemplar, error)
}

// Replayed is what came of asking both sides again.
type Replayed struct {
	shadow.Replayed

	Legacy, New shadow.Took // of the answers of now
}

// Gates says how routes stand with their gates; *autopilot.Evaluator is the one.
type Gates interface {
	// Judge asks the gates of some routes, or of all for nil. Routes without a new
	// side are left out.
	Judge(ctx context.Context, routes []string) (map[string]autopilot.Assessment, error)
}

// Leases says whose autopilot acts; see autopilot.Leases.
type Leases interface {
	CurrentLease(ctx context.Context) (autopilot.Lease, error)
}

// Windows is the store as those who draw what lanes saw need it, and who look
// whether somebody says what they saw; see stats.WindowReader and stats.WindowSink.
type Windows interface {
	Windows(ctx context.Context, query stats.WindowQuery) (windows []stats.LaneWindow, read time.Time, err error)
	Spans(ctx context.Context, routes []string, from time.Time) ([]stats.LaneWindow, error)
	Thresholds(ctx context.Context) (map[string]time.Duration, error)
	Recorders(ctx context.Context, within time.Duration) ([]string, error)
}

// Places says how far each webhook has come in the history; see notify.Places.
type Places interface {
	Places(ctx context.Context) (map[string]notify.Place, error)
}

// Notifier tries webhooks; *notify.Notifier is the one.
type Notifier interface {
	// Test posts a message that says that it is a test. The error matches
	// notify.ErrUnknown, or says in words why it did not arrive.
	Test(ctx context.Context, webhook string) (notify.Delivery, error)
}

// Mover gives commands to routes; *rollout.Controller is the one.
type Mover interface {
	Do(ctx context.Context, route string, cmd rollout.Command, ifRevision *routing.Revision) (rollout.Result, error)
	RollbackAll(ctx context.Context, cmd rollout.Command) ([]rollout.Result, error)
	PromoteGroup(ctx context.Context, group string, cmd rollout.Command) ([]rollout.Result, error)
}

// Router is what this instance serves.
type Router interface {
	Table() *routing.Table     // nil: nothing yet
	Snapshot() *fleet.Snapshot // what Table was compiled from; nil: nothing yet
	Ready() error              // nil, or why not
	Status() fleet.Status      // how it stands with the store
}

// Authenticator checks tokens; see auth.Verifier.
type Authenticator interface {
	Verify(ctx context.Context, secret, from string) (auth.Identity, error)
	// Recheck asks again for a token that was verified, by the auth.HashSecret of it.
	Recheck(ctx context.Context, hash [32]byte) (auth.Identity, error)
}

// Config is everything the admin API stands on. The ports, Metrics, Reach, Accept,
// Logger and Instance are required.
type Config struct {
	Catalog    Catalog
	Editor     Editor
	History    History
	Mover      Mover
	Router     Router
	Tokens     Authenticator
	TokenStore TokenStore
	Overrides  Overrides
	Controls   Controls
	Signer     Signer // nil: there are no keys, and no override can be made
	Counts     Counts
	Evidence   Evidence
	Gates      Gates
	Leases     Leases
	Windows    Windows
	Places     Places
	Notifier   Notifier
	Forwarders Forwarders   // nil: nobody knows
	Metrics    http.Handler // answers /metrics

	// Served returns a channel that is closed when the router serves another snapshot.
	// Nil: nobody tells, and streams look twice a second.
	Served func() <-chan struct{}

	// Trouble is what is not at rest on this router now. Nil: nobody knows.
	Trouble func() fleet.Trouble

	// Replay asks both sides of an exemplar's route again, with headers in place
	// of those that the exemplar has, and judges its difference with that
	// signature; all of them where that is empty. Nil: this router cannot.
	Replay func(ctx context.Context, exemplar shadow.Exemplar, signature string, headers http.Header) (Replayed, error)

	// Accept makes this router follow what its store holds although it raised an
	// alarm about it, and returns what is served then.
	Accept func(ctx context.Context) (*fleet.Snapshot, error)

	// Reach connects to an endpoint of a backend, up to the end of the TLS
	// handshake, and hangs up: doctor looks that way whether it is there. It is the
	// data plane's, so that both refuse the same addresses and certificates.
	Reach func(ctx context.Context, backend spec.Backend, endpoint string) error
	// BackendTLS says why this machine can make no TLS connection to a backend,
	// whatever that does. Nil: nobody looks.
	BackendTLS func(spec.Backend) error

	// Changed is called after every committed change, so that this instance
	// need not wait to hear of it.
	Changed func()

	// Pages are the files of the dashboard: index.html, and what it asks for under
	// assets, where a name stands for one content for ever. Nil: there is none.
	Pages fs.FS
	// Stopping is closed when the listener is shut down, so that streams end, which
	// would keep it otherwise. Nil: they do not.
	Stopping <-chan struct{}

	Hosts    []string // names by which the API may be addressed, besides loopback and the address a connection came to
	Instance string   // this router's name in the fleet
	Version  string   // of the program
	StoreURL string   // without its password
	Logger   *slog.Logger
}

// ErrConfig says that a Config lacks something.
var ErrConfig = errors.New("the admin API cannot be built")

// New returns the handler of the admin listener. Its timeouts are the listener's matter.
func New(cfg Config) (http.Handler, error) {
	if missing := cfg.missing(); missing != "" {
		return nil, fmt.Errorf("%w: Config.%s is not set", ErrConfig, missing)
	}
	if cfg.Changed == nil {
		cfg.Changed = func() {}
	}
	if cfg.Served == nil {
		cfg.Served = func() <-chan struct{} { return nil }
	}
	if cfg.Signer == nil {
		cfg.Signer = new(auth.OverrideKeys)
	}
	s := &server{Config: cfg, hosts: allowedHosts(cfg.Hosts), examining: make(chan struct{}, 1), verifying: make(chan struct{}, 1)}
	var err error
	if s.pages, err = readPages(cfg.Pages); err != nil {
		return nil, fmt.Errorf("%w: Config.Pages: %w", ErrConfig, err)
	}
	return s.handler(), nil
}

// missing names the first required field that is not set.
func (c *Config) missing() string {
	for _, field := range []struct {
		name  string
		isSet bool
	}{
		{"Catalog", c.Catalog != nil},
		{"Editor", c.Editor != nil},
		{"History", c.History != nil},
		{"Mover", c.Mover != nil},
		{"Router", c.Router != nil},
		{"Tokens", c.Tokens != nil},
		{"TokenStore", c.TokenStore != nil},
		{"Overrides", c.Overrides != nil},
		{"Controls", c.Controls != nil},
		{"Counts", c.Counts != nil},
		{"Evidence", c.Evidence != nil},
		{"Gates", c.Gates != nil},
		{"Leases", c.Leases != nil},
		{"Windows", c.Windows != nil},
		{"Places", c.Places != nil},
		{"Notifier", c.Notifier != nil},
		{"Accept", c.Accept != nil},
		{"Metrics", c.Metrics != nil},
		{"Reach", c.Reach != nil},
		{"Logger", c.Logger != nil},
		{"Instance", c.Instance != ""},
	} {
		if !field.isSet {
			return field.name
		}
	}
	return ""
}
