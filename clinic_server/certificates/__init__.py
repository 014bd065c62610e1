"""What somebody takes home: the doses they had, on paper."""
