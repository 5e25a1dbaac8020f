package app

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/telemetry"
	"github.com/stranglerfig/strangler/internal/tracing"
)

// tracesPath is where a collector takes traces (OTLP specification, "Default URL paths").
const tracesPath = "/v1/traces"

// flushTraces is how long a router that stops waits for its collector. As with
// the access log, a stuck one must not keep it from stopping.
const flushTraces = 2 * time.Second

// StandardOTLP returns the URL that OpenTelemetry's own variables name for
// traces; empty: none, or they say that there are to be no traces.
func StandardOTLP(environ func(string) (string, bool)) string {
	if disabled, _ := environ("OTEL_SDK_DISABLED"); strings.EqualFold(disabled, "true") {
		return ""
	}
	if exporter, _ := environ("OTEL_TRACES_EXPORTER"); exporter == "none" {
		return ""
	}
	if exact, _ := environ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"); exact != "" {
		return exact
	}
	base, _ := environ("OTEL_EXPORTER_OTLP_ENDPOINT")
	if base == "" {
		return ""
	}
	return strings.TrimSuffix(base, "/") + tracesPath
}

// tracesURL is where spans are sent; empty: nowhere.
func (c *Config) tracesURL() (string, error) {
	name, text := "otlp-endpoint", c.OTLPEndpoint
	if text == "" {
		name, text = "otlp-endpoint (from OTEL_EXPORTER_OTLP_ENDPOINT)", c.StandardOTLP
	}
	if text == "" {
		return "", nil
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return "", badSetting(name, redactURL(text), "write the collector's URL, like http://127.0.0.1:4318")
	}
	if u.User != nil {
		return "", badSetting(name, redactURL(text), "a password in it would not be sent; "+
			"put it into OTEL_EXPORTER_OTLP_HEADERS, like Authorization=Basic%20…")
	}
	if c.OTLPEndpoint != "" && !strings.HasSuffix(u.Path, tracesPath) {
		u = u.JoinPath(tracesPath)
	}
	return u.String(), nil
}

// traceSample is --trace-sample; all where it was not said.
func (c *Config) traceSample() (routing.Weight, error) {
	if c.TraceSample == "" {
		return routing.FullWeight, nil
	}
	share, err := routing.ParseWeight(c.TraceSample)
	if err != nil {
		return 0, badSetting("trace-sample", c.TraceSample, "write a percentage from 0% to 100% with at most two decimals")
	}
	return share, nil
}

// validateTraces checks the settings of traces.
func (c *Config) validateTraces() error {
	if _, err := c.traceSample(); err != nil {
		return err
	}
	_, err := c.tracesURL()
	return err
}

// followTraces makes the tracer, if there is a collector, and has it counted.
func (r *Router) followTraces(metrics *telemetry.Metrics) (proxy.Tracer, error) {
	endpoint, err := r.config.tracesURL()
	if err != nil || endpoint == "" {
		return nil, err
	}
	sample, err := r.config.traceSample()
	if err != nil {
		return nil, err
	}
	r.tracer, err = tracing.New(context.Background(), tracing.Options{
		Endpoint: endpoint, Sample: sample, Instance: r.config.instanceName(r.data.Addr()), Version: r.env.Version, Logger: r.logger,
	})
	if err != nil {
		return nil, err
	}
	metrics.Spans(func() (exported, dropped, failed uint64) {
		counts := r.tracer.Counts()
		return counts.Exported, counts.Dropped, counts.Failed
	})
	r.logger.Info("traces go to a collector", "endpoint", endpoint, "sample", sample.String())
	return r.tracer, nil
}

// closeTraces sends what waits. Closing twice does no harm.
func (r *Router) closeTraces() {
	if r.tracer == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTraces)
	defer cancel()
	if err := r.tracer.Close(ctx); err != nil {
		r.logger.Warn("the last traces were not sent", "error", err)
	}
}
