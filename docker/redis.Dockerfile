# A Redis of Debian's, for machines that cannot pull redis:7; scripts/docker-base-image.sh builds it as local/redis:7.
ARG BASE=debian:bookworm-slim
FROM ${BASE}
RUN apt-get update -qq \
  && apt-get install -y -qq --no-install-recommends redis-server \
  && rm -rf /var/lib/apt/lists/*
USER redis
WORKDIR /var/lib/redis
EXPOSE 6379
CMD ["redis-server", "--protected-mode", "no", "--save", "", "--appendonly", "no"]
