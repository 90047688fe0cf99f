"""Tasks, appointments, callbacks."""

from django.urls import path

from leads.views import tasks

urlpatterns = [
    path("", tasks.tasks, name="tasks"),
    path("new/", tasks.add, name="task-add"),
    path("<int:task_id>/", tasks.task, name="task"),
    path("<int:task_id>/done/", tasks.done, name="task-done"),
]
