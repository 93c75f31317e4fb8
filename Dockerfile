# The service alone: PostgreSQL runs elsewhere (compose.yaml), so the embedded one stays out.
FROM python:3.13-slim AS build

WORKDIR /onegrid
COPY requirements.lock ./
RUN python -m venv /onegrid/.venv \
    && .venv/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.lock \
    && .venv/bin/pip uninstall --yes pip
COPY alembic.ini ./
COPY alembic/ alembic/
COPY openapi/ openapi/
COPY api/ api/
# The command, and the folder in which Python finds the code.
RUN printf '%s\n' '#!/onegrid/.venv/bin/python' 'from api.cli import main' \
        'if __name__ == "__main__":' '    main()' > .venv/bin/onegrid \
    && chmod 0755 .venv/bin/onegrid \
    && echo /onegrid > "$(.venv/bin/python -c 'import site; print(site.getsitepackages()[0])')/onegrid.pth" \
    && .venv/bin/python -m compileall -q api

FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PATH=/onegrid/.venv/bin:$PATH
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin onegrid \
    && pip uninstall --yes --root-user-action=ignore pip
WORKDIR /onegrid
COPY --from=build /onegrid /onegrid
USER 10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
ENTRYPOINT ["onegrid"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
