# Both programs on an empty base: no shell, no package manager, no root.
#
#   docker build --build-arg VERSION="$(git describe --tags --always)" -t strangler .

FROM golang:1.26-bookworm AS build
WORKDIR /src

# Modules first: they change less often than the code.
COPY go.mod go.sum ./
RUN go mod download

COPY . .
ARG VERSION=devel
RUN CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/ ./cmd/...

# A named volume takes its owner from the image, so the folder has to exist there.
RUN mkdir -p /out/state

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/strangler /out/stranglerctl /
COPY --from=build --chown=65532:65532 /out/state /var/lib/strangler
COPY LICENSE /

ENV STRANGLER_STATE_DIR=/var/lib/strangler

USER 65532:65532
VOLUME /var/lib/strangler

# 8080 is the data plane; the admin listener stays on loopback unless told otherwise.
EXPOSE 8080

# There is no shell and no curl in here: the program asks itself.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
    CMD ["/strangler", "health"]

ENTRYPOINT ["/strangler"]
CMD ["serve"]
