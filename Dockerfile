# qwenlab with the exact set of packages that is tested. docs/install.md says how to run it.
FROM python:3.11-slim-bookworm

# bubblewrap: the judge's sandbox. gcc and libc6-dev: Triton compiles a small module when training starts on a GPU.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends bubblewrap gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/qwenlab
COPY requirements.txt .
RUN pip install --no-cache-dir --requirement requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY recipes recipes
COPY qwenlab qwenlab
RUN pip install --no-cache-dir --no-deps .

# Runs are written to the working folder; models are kept in HF_HOME. Mount a volume for both.
RUN useradd --create-home qwenlab && mkdir --parents /work && chown qwenlab /work
USER qwenlab
WORKDIR /work
ENV HF_HOME=/work/.huggingface

EXPOSE 7860 8000
ENTRYPOINT ["qwenlab"]
CMD ["--help"]
