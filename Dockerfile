# The pages of the console, which only the development packages can build.
FROM node:26-bookworm-slim AS console
WORKDIR /usher
COPY package.json package-lock.json ./
COPY runtime runtime
RUN npm ci --ignore-scripts
COPY console console
RUN node console/prepare.js --required

# The production packages, the sources and a filled compile cache. Nothing else of this stage reaches the image.
FROM node:26-bookworm-slim AS build
WORKDIR /usher
COPY package.json package-lock.json ./
COPY runtime runtime
RUN npm ci --omit=dev --ignore-scripts
COPY src src
COPY --from=console /usher/console/dist console/dist
# Fills the cache with one start on a temporary directory. It runs as the user of the image: Node has one cache per user.
RUN mkdir cache && chown node cache
USER node
RUN export NODE_COMPILE_CACHE=/usher/cache USHER_DATA_DIR=/tmp/usher \
 && node src/main.js init > /dev/null \
 && { timeout --signal=TERM 10 node src/main.js serve || test $? -eq 124; } \
 && rm -r /tmp/usher \
 && chmod -R a+rX cache

FROM node:26-bookworm-slim
LABEL org.opencontainers.image.title="Usher" \
      org.opencontainers.image.description="User provisioning for cloud providers" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/usher/cache \
    USHER_HOST=0.0.0.0 \
    USHER_DATA_DIR=/data
WORKDIR /usher
# The files belong to root: the service can change neither its code nor its cache.
COPY --from=build --chown=root:root /usher ./
RUN install -d -o node -g node -m 0700 /data
USER node
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.USHER_PORT || 8080}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "src/main.js"]
# An empty volume is refused: `init` sets one up and prints its secrets, which must not be in a server's log.
CMD ["serve", "--no-setup"]
